import Dispatch
import Glibc
import TextUI

/// The terminal as a device: its bytes, its modes and its size. Opened by `init`, given back by
/// `deinit`, never copied.
///
/// It is opened anew rather than used through standard input and output, because that makes it
/// possible not to block: the flag would otherwise be shared with the shell that started us.
struct TerminalDevice: ~Copyable {
  enum ReadResult {
    case bytes([UInt8])
    case nothingNow
    /// End of file or an error: nobody is there any more.
    case gone
  }

  let descriptor: Int32
  /// As they were before us, to be put back.
  let savedModes: termios

  /// The terminal of standard input and output.
  init() throws(TerminalError) {
    guard isatty(STDIN_FILENO) == 1 else { throw .notATerminal(stream: "Standard input") }
    guard isatty(STDOUT_FILENO) == 1 else { throw .notATerminal(stream: "Standard output") }
    if let name = ttyname(STDOUT_FILENO), access(name, R_OK | W_OK) == 0 {
      try self.init(path: String(cString: name))
    } else {
      // After su the device belongs to somebody else; this opens nevertheless.
      try self.init(path: "/dev/tty")
    }
  }

  init(path: String) throws(TerminalError) {
    let opened = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard opened >= 0 else {
      throw .system(operation: "open the terminal", reason: String(cString: strerror(errno)))
    }
    var modes = termios()
    guard tcgetattr(opened, &modes) == 0 else {
      let reason = String(cString: strerror(errno))
      Glibc.close(opened)
      throw .system(operation: "read the terminal's modes", reason: reason)
    }
    descriptor = opened
    savedModes = modes
  }

  deinit {
    Glibc.close(descriptor)
  }

  /// Every key as it is pressed, ^c ^z ^s ^q included, and no translation of what is written.
  func setRaw() {
    var modes = savedModes
    cfmakeraw(&modes)
    // Not TCSADRAIN: it waits for a terminal that may have stopped reading.
    tcsetattr(descriptor, TCSANOW, &modes)
  }

  func restoreModes() {
    var modes = savedModes
    tcsetattr(descriptor, TCSANOW, &modes)
  }

  /// Nil where the terminal does not know its size, as on a serial line.
  func size() -> Size? {
    var window = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0
    else { return nil }
    return Size(columns: Int(window.ws_col), rows: Int(window.ws_row))
  }

  func read() -> ReadResult {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    if count > 0 { return .bytes(Array(buffer[..<count])) }
    return count < 0 && [EAGAIN, EINTR].contains(errno) ? .nothingNow : .gone
  }

  /// Writes what the terminal takes at once; returns how many bytes, or nil when it is gone.
  func write(_ bytes: ArraySlice<UInt8>) -> Int? {
    var done = 0
    while done < bytes.count {
      let count = bytes.dropFirst(done).withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        done += count
      } else if errno == EAGAIN {
        break
      } else if errno != EINTR {
        return nil
      }
    }
    return done
  }

  /// Waits until the terminal takes more.
  ///
  /// - Returns: False when it did not before the deadline.
  func waitUntilWritable(before deadline: ContinuousClock.Instant) -> Bool {
    let left = ContinuousClock.now.duration(to: deadline)
    guard left > .zero else { return false }
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    let milliseconds = left / .milliseconds(1)
    let count = poll(&entry, 1, Int32(min(milliseconds.rounded(.up), 1000)))
    return count > 0 || count < 0 && errno == EINTR
  }
}
