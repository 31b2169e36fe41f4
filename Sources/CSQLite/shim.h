#pragma once
#include <sqlite3.h>

// Before SQLite has begun: nobody asks how much memory it has, and counting that takes a lock of the
// whole process for each piece that is taken or given back, twenty for a row. Swift cannot call
// variadic functions.
static inline int pail_sqlite_count_no_memory(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
