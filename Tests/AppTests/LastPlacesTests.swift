import Browser
import Foundation
import S3
import SystemPackage
import Testing

@testable import App

@Suite("Last places")
struct LastPlacesTests {
  private let folder: TemporaryFolder
  private let path: FilePath
  private let ana = PlacesFile.Whereabouts(profile: "ana", endpoint: "http://127.0.0.1:8333")

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path.appending("state").appending("pail").appending("places.json")
  }

  @Test("Each profile at each endpoint has a place of its own, and the newest counts")
  func places() throws {
    let others = [
      PlacesFile.Whereabouts(profile: nil, endpoint: ana.endpoint),
      PlacesFile.Whereabouts(profile: "ana", endpoint: "https://s3.eu-west-1.amazonaws.com"),
    ]
    let key = Place(bucket: BucketName("b"), prefix: ObjectKey(bytes: [0xFF, 0x1B, 0x2F]))
    LastPlaces(at: path).remember(Place(bucket: BucketName("old")), of: ana)
    for other in others { LastPlaces(at: path).remember(key, of: other) }
    LastPlaces(at: path).remember(Place(bucket: BucketName("new")), of: ana)
    let places = LastPlaces(at: path)
    #expect(places.place(of: ana) == Place(bucket: BucketName("new")))
    for other in others { #expect(places.place(of: other) == key) }
    places.forget(ana)
    #expect(LastPlaces(at: path).place(of: ana) == nil)
    #expect(LastPlaces(at: path).place(of: others[0]) == key)
  }

  @Test("The file is private, in a private folder, and nothing else is left beside it")
  func isPrivate() throws {
    LastPlaces(at: path).remember(Place(bucket: BucketName("b")), of: ana)
    var status = stat()
    #expect(stat(path.string, &status) == 0 && status.st_mode & 0o777 == 0o600)
    let parent = path.removingLastComponent().string
    #expect(stat(parent, &status) == 0 && status.st_mode & 0o777 == 0o700)
    #expect(try FileManager.default.contentsOfDirectory(atPath: parent) == ["places.json"])
  }

  @Test(
    "What is no list of places counts as nothing, and is replaced by the next one",
    arguments: [
      "", "[", "{}", "[1, null, {}]", #"[{"endpoint": "http://127.0.0.1:8333", "bucket": ""}]"#,
      #"[{"profile": "ana", "endpoint": "http://127.0.0.1:8333", "bucket": "a/b"}]"#,
      #"[{"profile": "ana", "endpoint": "http://127.0.0.1:8333", "bucket": "b", "prefix": "?"}]"#,
      String(repeating: "[", count: 100_000),
    ])
  func brokenFiles(text: String) throws {
    try folder.write(text, to: "places.json", permissions: 0o600)
    let places = LastPlaces(at: folder.path.appending("places.json"))
    #expect(places.place(of: ana) == nil)
    places.remember(Place(bucket: BucketName("b")), of: ana)
    #expect(places.place(of: ana) == Place(bucket: BucketName("b")))
  }

  @Test("A FIFO, a folder or no home stops nothing")
  func noFile() throws {
    let fifo = folder.path.appending("fifo")
    #expect(mkfifo(fifo.string, 0o600) == 0)
    for path in [fifo, folder.path, nil] {
      #expect(LastPlaces(at: path).place(of: ana) == nil)
    }
    LastPlaces(at: nil).remember(Place(bucket: BucketName("b")), of: ana)
    LastPlaces(at: folder.path).remember(Place(bucket: BucketName("b")), of: ana)
    #expect(LastPlaces(at: folder.path).place(of: ana) == nil)
  }

  @Test("Bookmarks are those of a profile at an endpoint, the newest first and each once")
  func bookmarks() throws {
    let (a, b) = (Place(bucket: BucketName("a")), Place(bucket: BucketName("b")))
    let own = Bookmarks(at: path, of: ana)
    let other = Bookmarks(at: path, of: .init(profile: nil, endpoint: ana.endpoint))
    #expect(own.add(a) && own.add(b) && other.add(b) && own.add(a))
    #expect(own.places == [a, b] && other.places == [b])
    #expect(own.remove(b) && own.places == [a] && other.places == [b])
    #expect(!Bookmarks(at: nil, of: ana).add(a))
  }

  @Test("No more than a hundred are kept")
  func limit() throws {
    let places = LastPlaces(at: path)
    for number in 0...100 {
      places.remember(
        Place(bucket: BucketName("b")),
        of: PlacesFile.Whereabouts(profile: "p\(number)", endpoint: ana.endpoint))
    }
    #expect(places.place(of: .init(profile: "p0", endpoint: ana.endpoint)) == nil)
    #expect(places.place(of: .init(profile: "p1", endpoint: ana.endpoint)) != nil)
    #expect(places.place(of: .init(profile: "p100", endpoint: ana.endpoint)) != nil)
  }
}
