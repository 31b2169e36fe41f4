import Foundation
import Glibc
import Testing

@testable import History

@Suite("Author")
struct AuthorTests {
  @Test("The current author is this process and its user")
  func current() throws {
    let author = Author.current()
    #expect(author.loginUID == getuid())
    #expect(author.processID == getpid())
    #expect(author.host == Author.hostName())
    #expect(!author.host.isEmpty)
    #expect(author.bootID.prefix { $0 != "/" }.count == 36)
    #expect(author.processStart > 0)
    #expect(author.isRunning)
    let login = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) }
    #expect(author.user == login ?? String(getuid()))
    #expect(Author.current(user: "ana").user == "ana")
    #expect(Author.current(user: "").user == author.user)
    #expect(Author.current(user: "ana").loginUID == getuid())
  }

  @Test(
    "The user ID at login is what the kernel says, and nothing where it was never set",
    arguments: [
      ("1000", 1000), ("1000\n", 1000), ("0", 0), ("4294967295", nil), ("", nil), ("x", nil),
      ("99999999999", nil),
    ] as [(String, UInt32?)])
  func auditUID(content: String, expected: UInt32?) {
    #expect(Author.auditUID(content) == expected)
  }

  @Test(
    "The client's address comes from what sshd sets",
    arguments: [
      (["SSH_CONNECTION": "192.0.2.7 50022 198.51.100.1 22"], "192.0.2.7"),
      (["SSH_CLIENT": "2001:db8::7 50022 22"], "2001:db8::7"),
      (["SSH_CLIENT": "a 1 2", "SSH_CONNECTION": "b 1 c 2"], "b"),
      (["SSH_CONNECTION": ""], nil), ([:], nil),
    ] as [([String: String], String?)])
  func sshClient(environment: [String: String], expected: String?) {
    #expect(Author.sshClient { environment[$0] } == expected)
  }

  @Test("A program's name may hold blanks and parentheses")
  func stat() {
    let fields = (4...30).map(String.init).joined(separator: " ")
    #expect(Author.processStart(stat: "7 (a) b (c)) S \(fields)") == 22)
    #expect(Author.processStart(stat: "7 (a) S 1 2") == nil)
    #expect(Author.processStart(stat: "") == nil)
    #expect(!Author.isDead(stat: "7 (Z) R 1"))
    #expect(Author.isDead(stat: "7 (a) Z 1"))
    #expect(Author.isDead(stat: ""))
  }

  @Test("A process of an earlier boot, or whose ID is used again, does not run any more")
  func running() {
    var author = Author.current()
    author.processStart += 1
    #expect(!author.isRunning)
    author = .current()
    author.bootID = "another"
    #expect(!author.isRunning)
    #expect(author.isOfThisHost)
    // Nothing is known of other hosts' processes: they are taken to run.
    author.host = "elsewhere"
    #expect(author.isRunning)
  }

  @Test("A process that the system hides is taken to run as long as its number is in use")
  func hidden() {
    let stat = "7 (a) S " + (4...30).map(String.init).joined(separator: " ")
    for start: UInt64? in [nil, 22] {
      #expect(Author.isRunning(stat: "", since: start, isThere: true))
      #expect(!Author.isRunning(stat: "", since: start, isThere: false))
      #expect(Author.isRunning(stat: stat, since: start, isThere: true))
    }
    #expect(!Author.isRunning(stat: stat, since: 23, isThere: true))
    #expect(!Author.isRunning(stat: "7 (a) Z 1", since: nil, isThere: true))
    // Numbers that the system gives to no process, which `kill` takes for groups of them.
    #expect(!Author.isRunning(0) && !Author.isRunning(-1))
  }

  @Test("What runs in another PID namespace of this boot is not known here, and taken to run")
  func namespaces() {
    var author = Author.current()
    let own = author.bootID
    author.processStart += 1
    author.bootID = String(own.prefix { $0 != "/" }) + "/1"
    #expect(author.isRunning && !author.isOfThisHost)
    author.bootID = "another/1"
    #expect(!author.isRunning && author.isOfThisHost)
  }

  @Test(
    "A boot is named with the PID namespace, unless that is the machine's own",
    arguments: [
      ("pid:[4026532713]", "b/4026532713"), ("pid:[4026531836]", "b"), (nil, "b"), ("", "b"),
      ("pid:[]", "b"),
    ] as [(String?, String)])
  func bootID(namespace: String?, expected: String) {
    #expect(Author.bootID("b", namespace: namespace) == expected)
  }
}
