internal import GRDB

/// "Pail", in the header of the file, tells our databases from others'.
let historyApplicationID = 0x5061_696C

/// Everything the schema is. It only grows: a released migration stays as it is, and a new column
/// is one that may be NULL, so that the hashes of older rows stay true.
func makeMigrator() -> DatabaseMigrator {
  var migrator = DatabaseMigrator()

  migrator.registerMigration("1", foreignKeyChecks: .immediate) { db in
    try db.execute(sql: "PRAGMA application_id = \(historyApplicationID)")

    try db.create(table: "changes", options: .strict) { table in
      table.primaryKey("id", .integer).check { $0 >= 1 }
      table.column("previous", .blob).notNull().check { length($0) == 32 }
      table.column("action", .text).notNull().check {
        isOne(
          of: [
            "upload", "delete", "copy", "createBucket", "deleteBucket", "abortUpload", "setTags",
            "setVersioning", "restore", "presign",
          ], $0)
      }
      table.column("user", .text).notNull().check { length($0) >= 1 }
      table.column("loginUID", .integer).notNull().check { $0 >= 0 }
      table.column("auditUID", .integer).check { $0 >= 0 }
      table.column("host", .text).notNull()
      table.column("sshClient", .text)
      table.column("bootID", .text).notNull()
      table.column("processID", .integer).notNull().check { $0 >= 1 }
      table.column("processStart", .integer).notNull().check { $0 >= 0 }
      table.column("accessKeyID", .text)
      table.column("endpoint", .text).notNull()
      table.column("bucket", .text).notNull()
      table.column("key", .blob)
      table.column("versionID", .text)
      table.column("size", .integer).check { $0 >= 0 }
      table.column("localPath", .blob)
      table.column("detail", .text)
      // Nanoseconds since 1970.
      table.column("startedAt", .integer).notNull().check { $0 >= 0 }
    }

    try db.create(table: "outcomes", options: .strict) { table in
      table.primaryKey("id", .integer).check { $0 >= 1 }
      table.column("previous", .blob).notNull().check { length($0) == 32 }
      table.column("change", .integer).notNull().unique().references("changes")
      table.column("outcome", .text).notNull().check {
        isOne(of: ["done", "failed", "cancelled", "interrupted"], $0)
      }
      table.column("etag", .text)
      table.column("versionID", .text)
      table.column("checksum", .text)
      table.column("size", .integer).check { $0 >= 0 }
      table.column("errorCode", .text)
      table.column("finishedAt", .integer).notNull().check { $0 >= 0 }
    }

    // A page is newest first, whatever it is of: each index ends in the time.
    try db.create(index: "changesByTime", on: "changes", columns: ["startedAt"])
    try db.create(index: "changesByUser", on: "changes", columns: ["user", "startedAt"])
    try db.create(index: "changesByBucket", on: "changes", columns: ["bucket", "startedAt"])
    try db.create(index: "changesByAction", on: "changes", columns: ["action", "startedAt"])
    try db.create(index: "changesByKey", on: "changes", columns: ["bucket", "key", "startedAt"])

    // Which changes have no outcome yet. Follows from the two tables, and spares whoever settles
    // the changes of dead processes a walk through all of them.
    try db.create(table: "openChanges", options: .strict) { table in
      table.primaryKey("change", .integer)
    }

    for table in ["changes", "outcomes"] {
      for verb in ["UPDATE", "DELETE"] {
        try db.execute(
          sql: """
            CREATE TRIGGER \(table)Refuse\(verb) BEFORE \(verb) ON \(table)
            BEGIN SELECT RAISE(ABORT, 'the history only grows'); END
            """)
      }
      // Also keeps INSERT OR REPLACE, which may remove a row without firing the trigger above.
      try db.execute(
        sql: """
          CREATE TRIGGER \(table)AreNumberedInOrder BEFORE INSERT ON \(table)
          WHEN NEW.id IS NOT 1 + max(
            (SELECT coalesce(max(id), 0) FROM changes),
            (SELECT coalesce(max(id), 0) FROM outcomes))
          BEGIN SELECT RAISE(ABORT, 'rows are numbered in order'); END
          """)
    }
    try db.execute(
      sql: """
        CREATE TRIGGER outcomesAreFinal BEFORE INSERT ON outcomes
        WHEN EXISTS (SELECT 1 FROM outcomes WHERE change = NEW.change)
        BEGIN SELECT RAISE(ABORT, 'a change has one outcome'); END;
        CREATE TRIGGER changesOpen AFTER INSERT ON changes
        BEGIN INSERT INTO openChanges VALUES (NEW.id); END;
        CREATE TRIGGER outcomesClose AFTER INSERT ON outcomes
        BEGIN DELETE FROM openChanges WHERE change = NEW.change; END;
        """)
  }

  migrator.registerMigration("2", foreignKeyChecks: .immediate) { db in
    // Where the chain begins when older rows lie in an archive, and that this is such an archive:
    // at most one row each.
    try db.create(table: "beginning", options: .strict) { table in
      table.primaryKey("id", .integer).check { $0 == 1 }
      table.column("number", .integer).notNull().check { $0 >= 1 }
      table.column("hash", .blob).notNull().check { length($0) == 32 }
      table.column("archive", .blob).notNull()
      table.column("archivedAt", .integer).notNull().check { $0 >= 0 }
    }
    try db.create(table: "ending", options: .strict) { table in
      table.primaryKey("id", .integer).check { $0 == 1 }
      table.column("archivedAt", .integer).notNull().check { $0 >= 0 }
    }
    for table in ["changes", "outcomes"] {
      try db.execute(
        sql: """
          DROP TRIGGER \(table)AreNumberedInOrder;
          CREATE TRIGGER \(table)AreNumberedInOrder BEFORE INSERT ON \(table)
          WHEN NEW.id IS NOT 1 + max(
            coalesce((SELECT id FROM changes ORDER BY id DESC LIMIT 1), 0),
            coalesce((SELECT id FROM outcomes ORDER BY id DESC LIMIT 1), 0),
            coalesce((SELECT number FROM beginning), 0))
          BEGIN SELECT RAISE(ABORT, 'rows are numbered in order'); END;
          CREATE TRIGGER \(table)RefuseArchived BEFORE INSERT ON \(table)
          WHEN EXISTS (SELECT 1 FROM ending)
          BEGIN SELECT RAISE(ABORT, 'the history is archived'); END;
          """)
    }
    try refuseAlterations(of: ["beginning", "ending"], in: db)
  }

  return migrator
}

/// One by one: for each row SQLite makes a table of the words of an `IN`, which takes longer than the
/// rest of a row's checks.
private func isOne(of words: [String], _ column: Column) -> SQLExpression {
  words.map { column == $0 }.joined(operator: .or)
}

/// Rows stay as they are.
private func refuseAlterations(of tables: [String], in db: Database) throws {
  for table in tables {
    for verb in ["UPDATE", "DELETE"] {
      try db.execute(
        sql: """
          CREATE TRIGGER \(table)Refuse\(verb) BEFORE \(verb) ON \(table)
          BEGIN SELECT RAISE(ABORT, 'the history only grows'); END
          """)
    }
  }
}
