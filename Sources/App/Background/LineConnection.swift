import Dispatch
import Glibc

/// One end of a Unix socket that carries lines. Never blocks, and keeps little for a peer that
/// does not read. Used on the queue of its owner alone.
final class LineConnection {
  private let descriptor: Int32
  /// In bytes; a longer line ends the connection.
  private let lineLimit: Int
  private let reading: any DispatchSourceRead
  private let makeWriting: () -> any DispatchSourceWrite
  private var writing: (any DispatchSourceWrite)?
  private var input: [UInt8] = []
  private var output: ArraySlice<UInt8> = []
  /// Waits for `output` to be sent.
  private var newest: [UInt8]?
  private(set) var isClosed = false

  /// - Parameters:
  ///   - descriptor: is closed by this from now on.
  ///   - wake: called on `queue` when something came or can be sent again; to be followed by
  ///     ``serve()``.
  init(
    _ descriptor: Int32, lineLimit: Int, queue: DispatchQueue,
    wake: @escaping @Sendable () -> Void
  ) {
    self.descriptor = descriptor
    self.lineLimit = lineLimit
    reading = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
    makeWriting = {
      let source = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
      source.setEventHandler(handler: wake)
      source.activate()
      return source
    }
    reading.setEventHandler(handler: wake)
    reading.setCancelHandler { Glibc.close(descriptor) }
    reading.activate()
  }

  deinit { close() }

  /// Sends what waits, and returns the lines that have come. The connection may be closed then.
  func serve() -> [[UInt8]] {
    guard !isClosed else { return [] }
    sendWaiting()
    return isClosed ? [] : readLines()
  }

  /// Reads all there is: when the peer has gone, Dispatch tells so with what came last, or never.
  private func readLines() -> [[UInt8]] {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    var lines: [[UInt8]] = []
    // More than the kernel keeps for a peer that has gone; one that sends for ever has to wait.
    for _ in 0..<16 {
      let count = read(descriptor, &buffer, buffer.count)
      input += buffer.prefix(max(0, count))
      lines += takeLines()
      if count == 0 || count < 0 && errno != EAGAIN && errno != EINTR || input.count > lineLimit {
        close()
        break
      }
      if count < 0, errno == EAGAIN { break }
    }
    return lines
  }

  private func takeLines() -> [[UInt8]] {
    guard let end = input.lastIndex(of: 0x0A) else { return [] }
    let lines = input[..<end].split(separator: 0x0A).filter { $0.count <= lineLimit }
    input.removeFirst(end + 1)
    return lines.map { Array($0) }
  }

  /// Sends a line after those before it; too many for a peer that does not read end the connection.
  func send(_ line: [UInt8]) {
    guard !isClosed else { return }
    output += line + [0x0A]
    if output.count > 4 * lineLimit { return close() }
    sendWaiting()
  }

  /// Sends a line that takes the place of one that could not be sent yet.
  func offer(_ line: [UInt8]) {
    newest = line
    sendWaiting()
  }

  private func sendWaiting() {
    while !isClosed {
      if output.isEmpty, let line = newest {
        newest = nil
        output = line + [0x0A]
      }
      guard !output.isEmpty else { break }
      let count = output.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        output = output.dropFirst(count)
      } else if errno == EAGAIN {
        if writing == nil { writing = makeWriting() }
        return
      } else if errno != EINTR {
        close()
      }
    }
    writing?.cancel()
    writing = nil
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    // Both are taken off the queue in this order, so nothing watches it when it is closed.
    writing?.cancel()
    reading.cancel()
  }
}
