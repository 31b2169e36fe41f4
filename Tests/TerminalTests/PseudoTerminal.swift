import Dispatch
import Glibc
import TextUI

/// The side of a terminal where a person sits, without the person.
@MainActor
final class PseudoTerminal {
  /// The other side's name.
  let path: String
  /// What the program has written and the terminal has read.
  private(set) var output = ""
  private var master: Int32
  private let slave: Int32
  /// Used on the main actor, and by `deinit`, when nobody else can.
  nonisolated(unsafe) private var source: (any DispatchSourceRead)?
  private var waiting: (until: @MainActor (String) -> Bool, CheckedContinuation<Void, Never>)?

  /// TIOCSPTLCK and TIOCGPTN. Source: ioctl_tty(2).
  private static let setLock: UInt = 0x4004_5431
  private static let getNumber: UInt = 0x8004_5430

  struct Refused: Error {
    let call: String
  }

  init(columns: Int, rows: Int) throws {
    // As posix_openpt, unlockpt and ptsname do, which Swift's view of glibc lacks. See pts(4).
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    var lock: Int32 = 0
    var number: UInt32 = 0
    guard master >= 0, ioctl(master, Self.setLock, &lock) == 0,
      ioctl(master, Self.getNumber, &number) == 0
    else { throw Refused(call: "open /dev/ptmx") }
    path = "/dev/pts/\(number)"
    // Held open so that its modes can be looked at when the program has gone.
    slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard slave >= 0 else { throw Refused(call: "open") }
    resize(columns: columns, rows: rows)
  }

  /// Reads from now on; a terminal that does not read is behind.
  func startReading() {
    let source = DispatchSource.makeReadSource(fileDescriptor: master, queue: .main)
    source.setEventHandler { [weak self] in MainActor.assumeIsolated { self?.readOutput() } }
    source.activate()
    self.source = source
  }

  private func readOutput() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = read(master, &buffer, buffer.count)
    guard count > 0 else { return }
    output += String(decoding: buffer[..<count], as: UTF8.self)
    if let (until, continuation) = waiting, until(output) {
      waiting = nil
      continuation.resume()
    }
  }

  /// Waits until what has been written satisfies the predicate.
  func output(satisfies until: @escaping @MainActor (String) -> Bool) async {
    if until(output) { return }
    await withCheckedContinuation { waiting = (until, $0) }
  }

  func forgetOutput() { output = "" }

  func type(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(master, bytes, bytes.count)
  }

  func resize(columns: Int, rows: Int) {
    var window = winsize(
      ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &window)
  }

  /// Whether the terminal collects lines and echoes them, as shells leave it.
  var isCooked: Bool {
    var modes = termios()
    tcgetattr(slave, &modes)
    let flags = tcflag_t(ICANON | ECHO | ISIG)
    return modes.c_lflag & flags == flags
  }

  var controlsFlow: Bool {
    var modes = termios()
    tcgetattr(slave, &modes)
    return modes.c_iflag & tcflag_t(IXON) != 0
  }

  func hangUp() {
    source?.cancel()
    close(master)
    master = -1
  }

  deinit {
    source?.cancel()
    if master >= 0 { close(master) }
    close(slave)
  }
}
