import Testing

@testable import Storage

@Suite("Open files")
struct OpenFilesTests {
  /// As many files as each of several transfers gets, which begin one in turn until none may.
  private func shares(of files: OpenFiles, among transfers: Int) -> [Int] {
    var shares = Array(repeating: 0, count: transfers)
    var hasBegun = true
    while hasBegun {
      hasBegun = false
      for index in shares.indices where files.hasRoom(ofKind: shares[index], own: shares[index]) {
        files.begin()
        shares[index] += 1
        hasBegun = true
      }
    }
    return shares
  }

  @Test(
    "Transfers get equal shares, and leave one for another",
    arguments: [(1, 50), (2, 33), (4, 20), (9, 10)])
  func shares(transfers: Int, expected: Int) {
    let shares = shares(of: OpenFiles(most: 100), among: transfers)
    #expect(shares.allSatisfy { (expected...expected + 1).contains($0) }, "\(shares)")
  }

  @Test("Who comes while another has its fill finds some left, and at least one")
  func late() {
    let files = OpenFiles(most: 8)
    #expect(shares(of: files, among: 1) == [4])
    #expect(shares(of: files, among: 1) == [2])
    #expect(shares(of: files, among: 1) == [1])
    #expect(shares(of: files, among: 1) == [1])
    #expect(shares(of: files, among: 1) == [1])
    #expect(files.hasRoom(ofKind: 0, own: 5))
    files.end(9)
    #expect(shares(of: files, among: 1) == [4])
  }

  @Test(
    "What is open at once fits into the limit, and few files only where that is low",
    arguments: [64, 256, 1024, 4096, 65_536], [nil, 1, 200] as [Int?])
  func plan(limit: Int, requests: Int?) {
    let settings = TransferSettings(concurrentRequests: requests, openFileLimit: limit)
    let plan = settings.openFiles
    #expect(plan.connections >= 4 && plan.files >= 1)
    #expect(limit < 128 || 2 * plan.files + plan.connections + 64 <= limit)
    let pool = settings.pool(cores: 64)
    let most = pool.mostParts + (requests == nil ? pool.limit(of: .small) : 0)
    #expect(most >= 1 && most < settings.mostConnections)
    // One folder alone: half of the files, and all requests that it can use.
    if limit >= 4096 {
      #expect(plan.files / 2 >= 256 + 64)
      #expect(settings.mostConnections == 16 + (requests ?? 264))
    }
  }
}
