internal import GRDB

/// "Pai" and "t" for transfers.
let journalApplicationID = 0x5061_6974

extension DatabaseSchema {
  /// Of the unfinished transfers: it only grows, as that of the history.
  static let journal = DatabaseSchema(
    label: "pail.transfers", applicationID: journalApplicationID, migrator: makeJournalMigrator,
    mayBeShared: false, isRecord: false)
}

private func makeJournalMigrator() -> DatabaseMigrator {
  var migrator = DatabaseMigrator()

  migrator.registerMigration("1", foreignKeyChecks: .immediate) { db in
    try db.execute(sql: "PRAGMA application_id = \(journalApplicationID)")

    try db.create(table: "transfers", options: .strict) { table in
      // AUTOINCREMENT: a number that a person has read never comes to mean another transfer.
      table.autoIncrementedPrimaryKey("id").check { $0 >= 1 }
      table.column("direction", .text).notNull().check { ["upload", "download"].contains($0) }
      table.column("endpoint", .text).notNull()
      table.column("region", .text).notNull()
      table.column("profile", .text)
      table.column("bucket", .text).notNull()
      table.column("key", .blob).notNull()
      table.column("versionID", .text).notNull().defaults(to: "")
      table.column("localPath", .blob).notNull()
      table.column("name", .blob).notNull().defaults(sql: "X''")
      table.column("ifExists", .text).notNull().check {
        ["overwrite", "skip", "rename", "fail"].contains($0)
      }
      // JSON, since nothing is ever looked for in it.
      table.column("attributes", .text).notNull()
      // Nanoseconds since 1970.
      table.column("createdAt", .integer).notNull().check { $0 >= 0 }
      table.column("updatedAt", .integer).notNull().check { $0 >= 0 }

      // What it is made of, once it has begun.
      table.column("size", .integer).check { $0 >= 0 }
      table.column("modified", .integer)
      table.column("etag", .text)
      table.column("pinnedVersionID", .text)
      table.column("partSize", .integer).check { $0 >= 1 }
      table.column("uploadID", .text)

      // The process that works on it.
      table.column("user", .text)
      table.column("host", .text)
      table.column("bootID", .text)
      table.column("processID", .integer)
      table.column("processStart", .integer)

      table.uniqueKey([
        "direction", "endpoint", "bucket", "key", "versionID", "localPath", "name",
      ])
    }

    try db.create(table: "pieces", options: [.strict, .withoutRowID]) { table in
      table.column("transfer", .integer).notNull()
        .references("transfers", onDelete: .cascade)
      table.column("place", .integer).notNull().check { $0 >= 0 }
      table.column("size", .integer).notNull().check { $0 >= 1 }
      table.column("crc64nvme", .integer).notNull()
      table.column("crc32c", .integer).check { $0 >= 0 }
      table.column("etag", .text)
      table.primaryKey(["transfer", "place"])
    }
  }

  // Folders and prefixes: one row each, and large files of theirs have rows of their own.
  migrator.registerMigration("2", foreignKeyChecks: .immediate) { db in
    try db.alter(table: "transfers") { table in
      table.add(column: "isTree", .integer).notNull().defaults(to: 0).check { [0, 1].contains($0) }
      table.add(column: "parent", .integer).references("transfers", onDelete: .setNull)
    }
  }

  // Folders and prefixes that only waited have nothing that an earlier run has moved.
  migrator.registerMigration("3", foreignKeyChecks: .immediate) { db in
    try db.alter(table: "transfers") { table in
      table.add(column: "begunAt", .integer).check { $0 >= 0 }
    }
    try db.execute(sql: "UPDATE transfers SET begunAt = createdAt WHERE isTree")
  }

  // Uploads in parts that nothing can resume: of streams, and of copies within the store.
  migrator.registerMigration("4", foreignKeyChecks: .immediate) { db in
    try db.create(table: "uploads", options: [.strict, .withoutRowID]) { table in
      table.column("endpoint", .text).notNull()
      table.column("bucket", .text).notNull()
      table.column("key", .blob).notNull()
      table.column("uploadID", .text).notNull()
      // What is copied; NULL for a stream.
      table.column("sourceBucket", .text)
      table.column("sourceKey", .blob)
      table.column("createdAt", .integer).notNull().check { $0 >= 0 }

      // The process that works on it.
      table.column("user", .text)
      table.column("host", .text)
      table.column("bootID", .text)
      table.column("processID", .integer)
      table.column("processStart", .integer)

      table.primaryKey(["endpoint", "bucket", "key", "uploadID"])
    }
  }

  return migrator
}
