import CCurl
import Glibc
import Testing

@testable import HTTP

@Suite("Socket watch")
struct SocketWatchTests {
  private static let reading = CInt(CURL_CSELECT_IN)
  private static let writing = CInt(CURL_CSELECT_OUT)

  private let alarm = pail_alarm_make()
  private let watch: SocketWatch

  init() throws {
    watch = try #require(SocketWatch(alarm: alarm))
  }

  /// Two ends; what is written to one is read from the other.
  private func makePair() -> (socket: CInt, peer: CInt) {
    var ends: [CInt] = [-1, -1]
    socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends)
    return (ends[0], ends[1])
  }

  private func send(to peer: CInt) {
    #expect(write(peer, "x", 1) == 1)
  }

  /// What is ready within `timeout`, in pairs of socket and bits.
  private func ready(_ timeout: Duration = .seconds(10)) -> [[CInt]] {
    watch.wait(timeout)
    var found: [[CInt]] = []
    while let (socket, bits) = watch.next() { found.append([socket, bits]) }
    return found
  }

  @Test("A socket is ready for what is wanted of it, and for nothing else")
  func wanting() {
    let (socket, peer) = makePair()
    watch.opened(socket)
    watch.want(Self.writing, of: socket)
    #expect(ready() == [[socket, Self.writing]])
    send(to: peer)
    #expect(ready() == [[socket, Self.writing]])
    watch.want(Self.reading, of: socket)
    #expect(ready() == [[socket, Self.reading]])
    watch.want(Self.reading | Self.writing, of: socket)
    #expect(ready() == [[socket, Self.reading | Self.writing]])
  }

  @Test("A connection that nobody uses is looked at no more once something comes")
  func idle() {
    let (socket, peer) = makePair()
    watch.opened(socket)
    watch.want(Self.reading, of: socket)
    watch.want(0, of: socket)
    send(to: peer)
    #expect(ready().isEmpty)
    watch.wait(.zero)
    #expect(!watch.hasReady)
    watch.want(Self.reading, of: socket)
    #expect(ready() == [[socket, Self.reading]])
  }

  @Test("The end of a connection is ready to be read")
  func ending() {
    let (socket, peer) = makePair()
    watch.opened(socket)
    watch.want(Self.reading, of: socket)
    close(peer)
    #expect(ready() == [[socket, Self.reading]])
  }

  @Test("A socket that is closed is forgotten, also when a child has it open still")
  func closing() {
    let (socket, peer) = makePair()
    watch.opened(socket)
    watch.want(Self.reading, of: socket)
    let inherited = dup(socket)
    watch.closing(socket)
    close(socket)
    send(to: peer)
    watch.wait(.zero)
    #expect(!watch.hasReady)
    close(inherited)
  }

  @Test(
    "The next socket with the number of one before is watched",
    arguments: [true, false])
  func numbers(hasToldOfItsEnd: Bool) {
    let (first, _) = makePair()
    watch.opened(first)
    watch.want(Self.reading, of: first)
    watch.want(0, of: first)
    if hasToldOfItsEnd { watch.closing(first) }
    let (second, peer) = makePair()
    // Closes the first.
    #expect(dup2(second, first) == first)
    watch.opened(first)
    watch.want(Self.reading, of: first)
    send(to: peer)
    #expect(ready() == [[first, Self.reading]])
  }

  @Test("What is no connection is unwatched at once: nobody tells of its end")
  func others() {
    let (socket, peer) = makePair()
    watch.want(Self.reading, of: socket)
    watch.want(0, of: socket)
    send(to: peer)
    watch.wait(.zero)
    #expect(!watch.hasReady)
  }

  @Test("The alarm ends a wait, once for each ringing, and is nobody's socket")
  func ringing() {
    pail_alarm_ring(alarm)
    watch.wait(.seconds(60))
    #expect(watch.hasReady)
    #expect(watch.next() == nil)
    watch.wait(.zero)
    #expect(!watch.hasReady)
    pail_alarm_ring(alarm)
    watch.wait(.seconds(60))
    #expect(watch.hasReady)
  }

  @Test("The time at which libcurl wants to be called ends a wait, and comes once")
  func time() {
    watch.wantCall(inMilliseconds: 20)
    #expect(watch.hasDue)
    watch.wait(.seconds(60))
    #expect(watch.takeDue())
    #expect(!watch.takeDue())
    watch.wantCall(inMilliseconds: 0)
    watch.wait(.seconds(60))
    #expect(watch.takeDue())
    watch.wantCall(inMilliseconds: 60_000)
    #expect(!watch.takeDue())
    watch.wantCall(inMilliseconds: -1)
    #expect(!watch.hasDue)
  }

  @Test("Nothing waits while something is ready")
  func leftovers() {
    let (socket, peer) = makePair()
    watch.opened(socket)
    watch.want(Self.reading, of: socket)
    send(to: peer)
    watch.wait(.seconds(60))
    watch.wait(.seconds(60))
    #expect(watch.next().map { $0.socket } == socket)
  }
}
