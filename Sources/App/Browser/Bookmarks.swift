import Browser
import SystemPackage

/// The places that a person wants to find again, of one profile at one endpoint.
struct Bookmarks: Sendable {
  private let file: PlacesFile
  private let whereabouts: PlacesFile.Whereabouts

  /// - Parameter path: nil where there is no home folder.
  init(at path: FilePath?, of whereabouts: PlacesFile.Whereabouts) {
    file = PlacesFile(path: path, limit: 1_000)
    self.whereabouts = whereabouts
  }

  /// The newest first.
  var places: [Place] {
    file.entries().filter { $0.whereabouts == whereabouts }.map(\.place)
  }

  /// - Returns: whether it could be kept.
  func add(_ place: Place) -> Bool {
    let entry = PlacesFile.Entry(whereabouts: whereabouts, place: place)
    return file.write([entry] + file.entries().filter { $0 != entry })
  }

  /// - Returns: whether it is gone.
  func remove(_ place: Place) -> Bool {
    let entry = PlacesFile.Entry(whereabouts: whereabouts, place: place)
    return file.write(file.entries().filter { $0 != entry })
  }
}
