import Testing

@testable import Terminal

@Suite("Clipboard")
struct ClipboardTests {
  private func send(_ text: String, _ environment: [String: String]) -> (ClipboardRoute, String) {
    let (route, bytes) = Clipboard(environment: environment).sequence(for: text)
    return (route, String(decoding: bytes, as: UTF8.self))
  }

  @Test(
    "Base64 of the examples of RFC 4648",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"), ("ÿþ>?", "w7/Dvj4/"),
    ])
  func base64(text: String, encoded: String) {
    #expect(Clipboard.base64(Array(text.utf8)) == encoded)
  }

  @Test("The way depends on what stands between")
  func routes() {
    let plain = "\u{1b}]52;c;Zm9v\u{7}"
    #expect(send("foo", ["TERM": "xterm-256color"]) == (.terminal, plain))
    #expect(
      send("foo", ["TERM": "screen", "TMUX": "socket,1,0"])
        == (.tmux, plain + "\u{1b}Ptmux;\u{1b}\u{1b}]52;c;Zm9v\u{7}\u{1b}\\"))
    #expect(send("foo", ["TERM": "tmux-256color"]).0 == .tmux)
    #expect(
      send("foo", ["TERM": "screen", "STY": "1.pts"])
        == (.screen, plain + "\u{1b}P\(plain)\u{1b}\\"))
    #expect(send("foo", ["TERM": "linux"]) == (.unsupported, ""))
    #expect(send("foo", ["TERM": "vt100"]) == (.unsupported, ""))
  }

  @Test("A long text is cut into pieces for GNU screen, and refused when no terminal takes it")
  func long() {
    let text = String(repeating: "x", count: 3000)
    let wrapped = send(text, ["TERM": "screen"]).1.split(separator: "\u{7}", maxSplits: 1)[1]
    let pieces = wrapped.split(separator: "\u{1b}\\").map { $0.dropFirst(2) }
    #expect(pieces.count == 6)
    #expect(pieces.joined() == "\u{1b}]52;c;" + Clipboard.base64(Array(text.utf8)) + "\u{7}")
    #expect(
      send(String(repeating: "x", count: 80_000), ["TERM": "xterm"]) == (.tooLong, ""))
  }
}
