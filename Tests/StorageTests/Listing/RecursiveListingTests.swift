import S3
import Testing

@testable import Storage

@Suite("Recursive listing")
struct RecursiveListingTests {
  @Test("On a real server it brings what the pages bring, each key once, and in order if wanted")
  func sameAsPages() async throws {
    try await ServerFixture.with { fixture in
      let names = (0..<120).map { number in
        ["a/\(number)", "a.txt/\(number)", "b/c/\(number % 7)/\(number)", "b/é \(number)+%"][
          number % 4]
      }
      await withThrowingTaskGroup { group in
        for chunk in stride(from: 0, to: names.count, by: 15) {
          group.addTask {
            for name in names[chunk..<min(chunk + 15, names.count)] { try await fixture.put(name) }
          }
        }
      }
      for prefix in ["", "b/", "a", "none"].map({ ObjectKey($0) }) {
        var expected: [ObjectKey] = []
        var token: ContinuationToken?
        repeat {
          let page = try await fixture.outside.listObjectsV2(
            bucket: fixture.bucket, prefix: prefix, delimiter: nil, after: token)
          expected += page.objects.map(\.key)
          token = page.next
        } while token != nil
        let listing = RecursiveListing(
          client: fixture.outside, bucket: fixture.bucket, prefix: prefix,
          limits: .init(objectsAhead: 40, prefixesOnTrial: 4, objectsPerPrefix: 2), pageSize: 10)
        var keys: [ObjectKey] = []
        while let page = try await listing.next() { keys += page.map(\.key) }
        #expect(keys.count == Set(keys).count)
        #expect(keys.sorted() == expected.sorted())
        for mostHeld in [5, OrderedListing.mostHeld] {
          let ordered = OrderedListing(
            client: fixture.outside, bucket: fixture.bucket, prefix: prefix,
            limits: .init(objectsAhead: 40, prefixesOnTrial: 4, objectsPerPrefix: 2),
            pageSize: 10, mostHeld: mostHeld)
          var inOrder: [ObjectKey] = []
          while let page = try await ordered.next() { inOrder += page.map(\.key) }
          #expect(inOrder == expected.sorted())
        }
      }
    }
  }

  @Test("A bucket that is not there is an error")
  func missingBucket() async throws {
    try await ServerFixture.with { fixture in
      let listing = fixture.service.recursiveListing(
        bucket: BucketName("no-such-bucket-here"), prefix: .empty)
      await #expect(throws: StorageError.self) { try await listing.next() }
    }
  }

  @Test("Cancelling ends a listing that waits")
  func cancelled() async throws {
    try await ServerFixture.with { fixture in
      let (reached, signal) = AsyncStream.makeStream(of: Void.self)
      fixture.transport.beforeEach { _ in
        signal.yield()
        // Ends with the cancellation of the request's task.
        try? await Task.sleep(for: .seconds(3_600))
      }
      let listing = fixture.service.recursiveListing(bucket: fixture.bucket, prefix: .empty)
      let task = Task { try await listing.next() }
      for await _ in reached { break }
      task.cancel()
      let error = await #expect(throws: StorageError.self) { try await task.value }
      #expect(error?.isCancellation == true)
    }
  }
}
