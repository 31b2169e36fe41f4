import Browser
import Foundation
import Glibc
import History
import Synchronization
import SystemPackage
import Testing

@testable import App

@Suite("Transfers of other processes")
struct OtherTransfersTests {
  @Test(
    "A process whose socket closes is told of once it has ended, or at once when it said so",
    arguments: [false, true])
  func end(isComplete: Bool) async throws {
    let folder = try TemporaryFolder()
    let path = folder.path.appending("run")
    guard let run = RunFolder(path, makes: true) else { throw Errno.notDirectory }
    let listener = try run.listen()
    // Lives until its input ends, or it is killed.
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/cat")
    process.standardInput = Pipe()
    try process.run()
    let processID = process.processIdentifier
    defer { if process.isRunning { kill(processID, SIGKILL) } }
    let (own, name) = ("\(getpid()).sock", "\(processID).sock")
    try #require(rename(path.appending(own).string, path.appending(name).string) == 0)

    let ends = Mutex<[Bool]>([])
    let (wakes, sink) = AsyncStream.makeStream(of: Void.self)
    let others = OtherTransfers(path) { action in
      guard case .otherEnded(processID, let isComplete) = action else { return }
      #expect(isComplete || !Author.isRunning(processID))
      ends.withLock { $0.append(isComplete) }
      sink.yield()
    }
    await others.look()
    let peer = try #require(UnixSocket.accept(listener))
    close(listener)
    if isComplete {
      let line = TransferWire.end + [0x0A]
      #expect(send(peer, line, line.count, Int32(MSG_NOSIGNAL)) == line.count)
    }
    close(peer)
    while await others.isConnected(to: processID) { await Task.yield() }
    // Whoever tells of it the moment the socket closes has done so by now.
    #expect(ends.withLock { $0 } == (isComplete ? [true] : []))
    kill(processID, SIGKILL)
    for await _ in wakes { break }
    #expect(ends.withLock { $0 } == [isComplete])
  }
}
