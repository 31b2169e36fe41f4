import Glibc
import Testing
import TextUI

@testable import Terminal

extension ScreenTests {
  /// A session on a terminal of its own. What needs a shell around it (suspending, crashing) is
  /// tested with the whole program.
  @Suite("Terminal session", .timeLimit(.minutes(5)))
  @MainActor
  struct TerminalSessionTests {
    private let terminal: PseudoTerminal
    private let environment = ["TERM": "xterm-256color"]

    init() throws {
      terminal = try PseudoTerminal(columns: 60, rows: 10)
    }

    private func open() throws -> TerminalSession {
      try TerminalSession(
        device: TerminalDevice(path: terminal.path), theme: .dark, colours: .indexed256,
        environment: environment)
    }

    private func frame(_ text: VisibleText, _ size: Size) -> Frame {
      var frame = Frame(size)
      frame.write(text, at: Point(column: 0, row: 0))
      return frame
    }

    private func key(_ key: Key) -> TerminalEvent { .input(.key(KeyPress(key))) }

    @Test("The terminal is raw while it is ours, and as before afterwards")
    func modes() async throws {
      terminal.startReading()
      #expect(terminal.isCooked && terminal.controlsFlow)
      let session = try open()
      #expect(session.size == Size(columns: 60, rows: 10))
      #expect(!terminal.isCooked && !terminal.controlsFlow)
      session.show(frame("first words", session.size))
      await terminal.output { $0.contains("first words") }
      #expect(terminal.output.contains("\u{1b}[?2004h") && terminal.output.contains("[?1049h"))
      terminal.forgetOutput()
      session.close()
      session.close()
      await terminal.output { $0.contains("\u{1b}[?1049l") }
      #expect(terminal.output.contains("\u{1b}[?2004l") && terminal.output.contains("[?25h"))
      #expect(terminal.isCooked && terminal.controlsFlow)
      for await event in session.events { Issue.record("\(event)") }
    }

    @Test("Keys and pastes arrive in order, control keys too")
    func keys() async throws {
      terminal.startReading()
      let session = try open()
      defer { session.close() }
      var events = session.events.makeAsyncIterator()
      terminal.type("j\u{3}\u{13}\u{1a}\u{1b}[A\u{1b}[200~two\nlines\u{1b}[201~я")
      for expected in [
        key(.character("j")), key(.control("c")), key(.control("s")), key(.control("z")),
        key(.up), .input(.paste("two\nlines")), key(.character("я")),
      ] {
        #expect(await events.next() == expected)
      }
      // In two pieces with the other key between two readings: nothing but the order is shown.
      terminal.type("\u{1b}")
      #expect(await events.next() == key(.escape))
      terminal.type("k")
      #expect(await events.next() == key(.character("k")))
    }

    @Test("A new size is announced once, however often the window changes")
    func resizing() async throws {
      terminal.startReading()
      let session = try open()
      defer { session.close() }
      session.show(frame("old", session.size))
      var events = session.events.makeAsyncIterator()
      for columns in 1...100 {
        terminal.resize(columns: columns, rows: 5)
        kill(getpid(), SIGWINCH)
      }
      let size = Size(columns: 100, rows: 5)
      #expect(await events.next() == .input(.resize(size)))
      #expect(session.size == size)
      terminal.forgetOutput()
      session.show(frame("new words", size))
      await terminal.output { $0.contains("new words") }
      #expect(terminal.output.contains("\u{1b}[H\u{1b}[2J"), "drawn anew")
    }

    @Test("A terminal that reads nothing stops nothing, and is shown the newest frame in the end")
    func behind() async throws {
      let session = try open()
      defer { session.close() }
      // Far more than the system keeps for a terminal.
      for number in 0..<400 {
        var frame = Frame(session.size)
        for row in 0..<10 {
          frame.write(
            VisibleText("\(number) " + String(repeating: "\(number % 10)", count: 50)),
            at: Point(column: 0, row: row))
        }
        session.show(frame)
      }
      terminal.type("j")
      var events = session.events.makeAsyncIterator()
      #expect(await events.next() == key(.character("j")))
      session.show(frame("the newest", session.size))
      terminal.startReading()
      await terminal.output { $0.contains("the newest") }
      #expect(terminal.output.utf8.count < 20_000, "what nobody would have seen was not sent")
    }

    @Test("The same frame again writes nothing, and a redraw everything")
    func idle() async throws {
      terminal.startReading()
      let session = try open()
      defer { session.close() }
      session.show(frame("words", session.size))
      await terminal.output { $0.contains("words") }
      terminal.forgetOutput()
      session.show(frame("words", session.size))
      session.show(frame("Words", session.size))
      await terminal.output { !$0.isEmpty }
      #expect(terminal.output.contains("W") && !terminal.output.contains("ords"))
      session.redraw()
      await terminal.output { $0.contains("Words") }
    }

    @Test("A lost terminal is announced once, and closing then does not wait")
    func hangUp() async throws {
      let session = try open()
      var events = session.events.makeAsyncIterator()
      terminal.hangUp()
      #expect(await events.next() == .hungUp)
      kill(getpid(), SIGHUP)
      session.show(frame("nobody sees this", session.size))
      session.close()
      #expect(await events.next() == nil)
    }

    @Test("SIGTERM and SIGINT are asked for, SIGHUP is the terminal's end")
    func signals() async throws {
      terminal.startReading()
      let session = try open()
      defer { session.close() }
      var events = session.events.makeAsyncIterator()
      for (signal, event) in [
        (SIGTERM, TerminalEvent.terminationRequested(SIGTERM)),
        (SIGINT, .terminationRequested(SIGINT)), (SIGHUP, .hungUp),
      ] {
        kill(getpid(), signal)
        #expect(await events.next() == event)
      }
    }

    @Test("There is one session at a time, and the next one after it")
    func one() throws {
      let session = try open()
      #expect(throws: TerminalError.alreadyOpen) { _ = try open() }
      session.close()
      try open().close()
    }

    @Test("A terminal that is not known is left as it was")
    func unknown() throws {
      #expect(throws: TerminalError.unknownTerminal(name: "nonsense")) {
        _ = try TerminalSession(
          device: TerminalDevice(path: terminal.path), theme: .dark, colours: .mono,
          environment: ["TERM": "nonsense"])
      }
      #expect(terminal.isCooked)
      try open().close()
    }

    @Test("Copied text goes through the terminal")
    func copying() async throws {
      terminal.startReading()
      let session = try open()
      defer { session.close() }
      #expect(session.copy("s3://b/k") == .terminal)
      await terminal.output { $0.contains("\u{1b}]52;c;czM6Ly9iL2s=\u{7}") }
    }
  }
}
