import Foundation
import Testing

@testable import S3

@Suite("Programs that print credentials")
struct CredentialProcessTests {
  private func process(_ script: String) throws -> CredentialProcess {
    let quoted = script.replacing("'", with: #"'\''"#)
    return try #require(CredentialProcess(command: "/bin/sh -c '\(quoted)'"))
  }

  private func reason(_ script: String) async throws -> String {
    let error = try await #require(throws: CredentialError.self) {
      try await process(script).credentials()
    }
    guard case .unusable("credential_process /bin/sh", let reason) = error else {
      return "\(error)"
    }
    return reason
  }

  @Test("What it prints is taken, with its end")
  func prints() async throws {
    let credentials = try await process(
      """
      echo '{"Version": 1, "AccessKeyId": "ASIAPRINTED", "SecretAccessKey": "s\\/1\\u002B",
        "SessionToken": "t", "Expiration": "2026-11-20T14:00:00+00:00", "More": [null, {}]}'
      """
    ).credentials()
    #expect(credentials.accessKeyID == "ASIAPRINTED")
    #expect(credentials.secretAccessKey == Secret("s/1+"))
    #expect(credentials.sessionToken == Secret("t"))
    #expect(credentials.expires == Timestamp(iso8601: "2026-11-20T14:00:00Z"))
  }

  @Test("Keys without a token and an end do not end")
  func lasting() async throws {
    let credentials = try await process(
      #"echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"}'"#
    ).credentials()
    #expect(credentials.isExpiryKnown && credentials.expires == nil)
  }

  @Test(
    "What goes wrong is told without what was printed",
    arguments: [
      ("echo secret; exit 3", "it ended with status 3. Call it by itself to see what it says"),
      ("kill -9 $$", "signal 9 ended it"),
      ("echo secret", "it printed something that is no JSON object"),
      (#"echo '"secret"'"#, "it printed something that is no JSON object"),
      (#"echo '{"AccessKeyId":"secret"}'"#, "it printed credentials of another Version than 1"),
      (#"echo '{"Version":2}'"#, "it printed credentials of another Version than 1"),
      (#"echo '{"Version":1,"SecretAccessKey":"secret"}'"#, "the answer has no AccessKeyId"),
      (#"echo '{"Version":1,"AccessKeyId":"A"}'"#, "the answer has no SecretAccessKey"),
      (
        #"echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"secret"}'"#,
        "Expiration is no time such as 2026-11-20T14:00:00Z"
      ),
      ("yes secret", "it prints too much"),
    ])
  func failures(script: String, expected: String) async throws {
    #expect(try await reason(script) == expected)
  }

  @Test("A program that is not there is named")
  func missing() async throws {
    let process = try #require(CredentialProcess(command: "/nowhere/keys --secret x"))
    let error = await #expect(throws: CredentialError.self) { try await process.credentials() }
    #expect(
      error
        == .unusable(
          source: "credential_process /nowhere/keys",
          reason: "it cannot be started: No such file or directory"))
  }

  @Test(
    "One that does not end is killed, with what it has started",
    arguments: ["sleep 1000 & echo $! >&3; wait", "exec >&-; sleep 1000 & echo $! >&3; wait"])
  func timeout(script: String) async throws {
    let folder = try TemporaryFolder()
    let path = folder.path(of: "child")
    var process = try process("exec 3>\(path); \(script)")
    // Long enough for a shell to start on a busy machine.
    process.timeout = .seconds(3)
    let error = await #expect(throws: CredentialError.self) { try await process.credentials() }
    #expect("\(String(describing: error))".contains("did not end within"))
    let child = try #require(
      Int32(
        String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(
          in: .whitespaces.union(.newlines))))
    // A signal is sent at once, and taken when the process has its turn of a processor.
    let deadline = ContinuousClock.now + .seconds(30)
    while !Self.isDead(child), ContinuousClock.now < deadline { await Task.yield() }
    #expect(Self.isDead(child))
  }

  private static func isDead(_ process: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return true
    }
    return status.contains(") Z ") || status.contains(") X ")
  }

  @Test("It gets no terminal, no input and no open file of the program that asks")
  func isolation() async throws {
    let open = try FileHandle(forReadingFrom: #require(URL(string: "file:///etc/passwd")))
    defer { try? open.close() }
    // Descriptor 3 is the folder that `ls` reads.
    let script = """
      test "$(ls /proc/self/fd | tr '\\n' ' ')" = "0 1 2 3 " || exit 7
      test "$(readlink /proc/self/fd/0)" = /dev/null || exit 8
      (: < /dev/tty) 2>&- && exit 9
      echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"}'
      """
    #expect(try await process(script).credentials().accessKeyID == "A")
  }

  @Test("It gets no file that another thread opens while it starts")
  func isolationFromOthers() async throws {
    // More and more descriptors that a program would inherit, time and again.
    let opening = Task.detached {
      while !Task.isCancelled {
        var opened: [Int32] = []
        while !Task.isCancelled, opened.count < 400 {
          opened.append(dup(STDIN_FILENO))
          await Task.yield()
        }
        for descriptor in opened where descriptor >= 0 { close(descriptor) }
      }
    }
    let script = """
      test "$(ls /proc/self/fd | tr '\\n' ' ')" = "0 1 2 3 " || exit 7
      echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"}'
      """
    for _ in 0..<20 { _ = try await process(script).credentials() }
    opening.cancel()
    await opening.value
  }

  @Test("Another program that starts meanwhile does not hold up its end")
  func othersWhichInherit() async throws {
    // They inherit whatever may be, and wait for the end of an input that ends with this test.
    var input: [Int32] = [-1, -1]
    try #require(pipe(&input) == 0)
    let (reading, writing) = (input[0], input[1])
    let starting = Task.detached {
      var started: [pid_t] = []
      while !Task.isCancelled, started.count < 500 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, reading, STDIN_FILENO)
        posix_spawn_file_actions_addclose(&actions, writing)
        var process: pid_t = 0
        var words = [strdup("cat"), nil]
        if posix_spawn(&process, "/bin/cat", &actions, nil, &words, nil) == 0 {
          started.append(process)
        }
        free(words[0])
        posix_spawn_file_actions_destroy(&actions)
        await Task.yield()
      }
      return started
    }
    var process = try process(#"echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s"}'"#)
    process.timeout = .seconds(20)
    let asking = Task { [process] in
      for _ in 0..<20 { _ = try await process.credentials() }
    }
    let result = await asking.result
    starting.cancel()
    for process in await starting.value {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    for end in [reading, writing] { close(end) }
    try result.get()
  }

  @Test("No description holds an argument")
  func leaks() throws {
    let process = try #require(CredentialProcess(command: "keys --password hunter2"))
    var shown = "\(process) \(String(reflecting: process))"
    dump(process, to: &shown)
    #expect(shown.contains("keys"))
    #expect(!shown.contains("hunter2"))
  }
}

@Suite("JSON")
struct JSONValueTests {
  @Test(
    "What is no JSON is refused",
    arguments: [
      "", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1 2]", "\"a", "\"\\x\"", "\"\\ud800\"", "nul",
      "1 2", "\"\n\"", "01x",
    ])
  func refused(text: String) {
    #expect(JSONValue(parsing: Array(text.utf8)) == nil)
  }

  @Test("Values within values to any depth end nothing")
  func deep() {
    #expect(JSONValue(parsing: Array(repeating: UInt8(ascii: "["), count: 100_000)) == nil)
  }

  @Test("Values of every kind are read")
  func kinds() {
    let text =
      #" { "a" : [ 1 , -2.5e3 , true , false , null ] , "b" : "\ud83d\ude00\"\\\n" , "c" : { } } "#
    #expect(
      JSONValue(parsing: Array(text.utf8))
        == .object([
          "a": .array([.number("1"), .number("-2.5e3"), .bool(true), .bool(false), .null]),
          "b": .string("😀\"\\\n"), "c": .object([:]),
        ]))
  }
}
