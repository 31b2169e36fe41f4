import S3
import Testing

@testable import App

@Suite("JSON line")
struct JSONLineTests {
  @Test("Members stand in the order they were added, and what is nil is left out")
  func order() {
    var line = JSONLine()
    line.add("b", "x")
    line.add("a", Int64(7))
    line.add("none", nil as String?)
    line.add("c", true)
    line.add("time", Timestamp(seconds: 0))
    #expect(
      String(decoding: line.bytes, as: UTF8.self)
        == #"{"b":"x","a":7,"c":true,"time":"1970-01-01T00:00:00Z"}"#)
    #expect(String(decoding: JSONLine().bytes, as: UTF8.self) == "{}")
  }

  @Test(
    "Text is escaped, so that neither JSON nor a terminal stumbles over it",
    arguments: [
      ("\"\\", #"\"\\"#), ("\n\r\t", #"\n\r\t"#), ("\u{0}\u{1B}", #"\u0000\u001b"#),
      ("\u{7F}\u{9B}", #"\u007f\u009b"#), ("\u{202E}\u{2066}", #"\u202e\u2066"#),
      ("поставка 🦀", "поставка 🦀"), ("e\u{301}", "e\u{301}"),
    ])
  func escapes(text: String, written: String) {
    var line = JSONLine()
    line.add("k", text)
    #expect(line.bytes == Array("{\"k\":\"\(written)\"}".utf8))
  }

  @Test("A key that is not UTF-8 has its bytes in Base64 beside it")
  func base64() {
    var line = JSONLine()
    line.add("key", bytes: [0x61, 0xFF])
    line.add("other", bytes: Array("b".utf8))
    #expect(
      String(decoding: line.bytes, as: UTF8.self)
        == "{\"key\":\"a\u{FFFD}\",\"keyBase64\":\"Yf8=\",\"other\":\"b\"}")
  }
}
