import Browser
import SystemPackage

/// Where each profile was left at each endpoint, for whoever comes back. Where that cannot be
/// written, nothing is remembered.
struct LastPlaces: Sendable {
  private let file: PlacesFile

  /// - Parameter path: nil where there is no home folder.
  init(at path: FilePath?) {
    file = PlacesFile(path: path, limit: 100)
  }

  func place(of whereabouts: PlacesFile.Whereabouts) -> Place? {
    file.entries().first { $0.whereabouts == whereabouts }?.place
  }

  func remember(_ place: Place, of whereabouts: PlacesFile.Whereabouts) {
    let newest = PlacesFile.Entry(whereabouts: whereabouts, place: place)
    let known = file.entries()
    guard known.first != newest else { return }
    file.write([newest] + known.filter { $0.whereabouts != whereabouts })
  }

  func forget(_ whereabouts: PlacesFile.Whereabouts) {
    let known = file.entries()
    let kept = known.filter { $0.whereabouts != whereabouts }
    if kept.count < known.count { file.write(kept) }
  }
}
