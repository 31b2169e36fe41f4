import Browser
import Foundation
import S3
import SystemPackage
import Testing

@testable import App

@Suite("Last place")
struct LastPlaceTests {
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
    let last = LastPlace(at: path, of: ana)
    last.remember(.at(Place(bucket: BucketName("old"))))
    for other in others { LastPlace(at: path, of: other).remember(.at(key)) }
    last.remember(.at(Place(bucket: BucketName("new"))))
    last.remember(.asBefore)
    #expect(LastPlace(at: path, of: ana).place == Place(bucket: BucketName("new")))
    for other in others { #expect(LastPlace(at: path, of: other).place == key) }
    last.remember(.nowhere)
    #expect(LastPlace(at: path, of: ana).place == nil)
    #expect(LastPlace(at: path, of: others[0]).place == key)
  }

  @Test("The file is private, in a private folder, and nothing else is left beside it")
  func isPrivate() throws {
    LastPlace(at: path, of: ana).remember(.at(Place(bucket: BucketName("b"))))
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
    let last = LastPlace(at: folder.path.appending("places.json"), of: ana)
    #expect(last.place == nil)
    last.remember(.at(Place(bucket: BucketName("b"))))
    #expect(last.place == Place(bucket: BucketName("b")))
  }

  @Test("A FIFO, a folder or no home stops nothing")
  func noFile() throws {
    let fifo = folder.path.appending("fifo")
    #expect(mkfifo(fifo.string, 0o600) == 0)
    for path in [fifo, folder.path, nil] {
      #expect(LastPlace(at: path, of: ana).place == nil)
    }
    for path in [folder.path, nil] {
      LastPlace(at: path, of: ana).remember(.at(Place(bucket: BucketName("b"))))
      #expect(LastPlace(at: path, of: ana).place == nil)
    }
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
    func last(_ number: Int) -> LastPlace {
      LastPlace(at: path, of: .init(profile: "p\(number)", endpoint: ana.endpoint))
    }
    for number in 0...100 { last(number).remember(.at(Place(bucket: BucketName("b")))) }
    #expect(last(0).place == nil)
    #expect(last(1).place != nil)
    #expect(last(100).place != nil)
  }
}
