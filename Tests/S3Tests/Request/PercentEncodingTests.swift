import Testing

@testable import S3

@Suite("Percent-encoding")
struct PercentEncodingTests {
  @Test(
    "A key is encoded byte for byte, and only its slashes stay",
    arguments: [
      ("a b", "a%20b"), ("a+b", "a%2Bb"), ("50%", "50%25"), ("%2F", "%252F"), ("a//b", "a//b"),
      ("/abs", "/abs"), ("./x", "./x"), ("a/../../esc", "a/../../esc"), ("..", ".."),
      ("~-._", "~-._"), ("*!'()", "%2A%21%27%28%29"), ("a\nb", "a%0Ab"),
      ("a\u{1B}[0m", "a%1B%5B0m"),
      ("é", "%C3%A9"), ("e\u{301}", "e%CC%81"), ("🚀", "%F0%9F%9A%80"),
      ("?a=1&b#c", "%3Fa%3D1%26b%23c"),
      ("C:\\x", "C%3A%5Cx"), ("", ""),
    ])
  func key(_ key: String, encoded: String) {
    #expect(PercentEncoding.encode(key.utf8, keepingSlashes: true) == encoded)
    #expect(PercentEncoding.decode(Array(encoded.utf8)) == Array(key.utf8))
  }

  @Test("In a query the slash is encoded too")
  func query() {
    let items = [QueryItem("prefix", "a/b c".utf8), QueryItem("uploads")]
    #expect(items.encoded == "prefix=a%2Fb%20c&uploads=")
  }

  @Test("All 256 bytes survive the way there and back")
  func roundTrip() {
    let bytes = (0...255).map { UInt8($0) }
    let encoded = PercentEncoding.encode(bytes)
    #expect(PercentEncoding.decode(Array(encoded.utf8)) == bytes)
  }

  @Test(
    "What listings write is read: plus for a blank, small digits, a lone percent sign",
    arguments: [
      ("a+b", "a b"), ("a%2bb", "a+b"), ("%zz", "%zz"), ("100%", "100%"), ("%4", "%4"),
      ("%C3%a9", "é"),
    ])
  func decode(_ encoded: String, decoded: String) {
    #expect(PercentEncoding.decode(Array(encoded.utf8)) == Array(decoded.utf8))
  }
}
