public import SystemPackage

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
    let name: FilePath = "pail/history.sqlite"
    if let state = environment["XDG_STATE_HOME"].map({ FilePath($0) }), state.isAbsolute {
      return state.pushing(name)
    }
    guard let home, home.isAbsolute else { throw .cannotOpen(name, .noHome) }
    return home.appending(".local").appending("state").pushing(name)
  }
}
