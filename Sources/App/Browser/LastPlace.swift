import Browser
import SystemPackage

/// Where a profile was left at an endpoint, for whoever comes back. Where that cannot be written,
/// nothing is remembered.
struct LastPlace: Sendable {
  private let file: PlacesFile
  private let whereabouts: PlacesFile.Whereabouts

  /// - Parameter path: nil where there is no home folder.
  init(at path: FilePath?, of whereabouts: PlacesFile.Whereabouts) {
    file = PlacesFile(path: path, limit: 100)
    self.whereabouts = whereabouts
  }

  var place: Place? {
    file.entries().first { $0.whereabouts == whereabouts }?.place
  }

  func remember(_ leaving: BrowserState.Leaving) {
    let known = file.entries()
    let others = known.filter { $0.whereabouts != whereabouts }
    switch leaving {
    case .at(let place):
      let newest = PlacesFile.Entry(whereabouts: whereabouts, place: place)
      if known.first != newest { file.write([newest] + others) }
    case .nowhere:
      if others.count < known.count { file.write(others) }
    case .asBefore: break
    }
  }
}
