public import SystemPackage

/// Of a history, below the folder for states.
let defaultName: FilePath = "pail/history.sqlite"

extension HistoryStore {
  /// `$XDG_STATE_HOME/pail/history.sqlite`, by default in `~/.local/state`.
  ///
  /// - Parameters:
  ///   - environment: Of which `XDG_STATE_HOME` counts when it is an absolute path.
  ///   - home: nil when the user has none.
  /// - Throws: ``HistoryError/cannotOpen(_:_:)`` with `noHome`.
  ///
  /// Source: XDG Base Directory Specification.
  public static func defaultPath(
    environment: [String: String], home: FilePath?
  ) throws(HistoryError) -> FilePath {
    try statePath(of: defaultName, environment: environment, home: home)
  }
}

extension TransferJournal {
  /// `$XDG_STATE_HOME/pail/transfers.sqlite`, by default in `~/.local/state`: beside the history's
  /// default place, wherever the history is.
  ///
  /// - Throws: as ``HistoryStore/defaultPath(environment:home:)``.
  public static func defaultPath(
    environment: [String: String], home: FilePath?
  ) throws(HistoryError) -> FilePath {
    try statePath(of: "pail/transfers.sqlite", environment: environment, home: home)
  }
}

private func statePath(
  of name: FilePath, environment: [String: String], home: FilePath?
) throws(HistoryError) -> FilePath {
  if let state = environment["XDG_STATE_HOME"].map({ FilePath($0) }), state.isAbsolute {
    return state.pushing(name)
  }
  guard let home, home.isAbsolute else { throw .cannotOpen(name, .noHome) }
  return home.appending(".local").appending("state").pushing(name)
}
