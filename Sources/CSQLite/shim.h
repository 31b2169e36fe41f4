#pragma once
#include <sqlite3.h>

// Before SQLite has begun: nobody asks how much memory it has, and counting that takes a lock of the
// whole process for each piece that is taken or given back, twenty for a row. Swift cannot call
// variadic functions.
static inline int pail_sqlite_count_no_memory(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

// Before SQLite has begun: a name that begins with "file:" is a URI, whose query says how to open it.
// Swift cannot call variadic functions.
static inline int pail_sqlite_take_uris(void) {
  return sqlite3_config(SQLITE_CONFIG_URI, 1);
}

// Has a connection do without the triggers of its files. Temporary ones, which are the connection's
// own, work on: since SQLite 3.35, and strict tables need 3.37.
static inline int pail_sqlite_leave_out_triggers(sqlite3 *connection) {
  return sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)0);
}
