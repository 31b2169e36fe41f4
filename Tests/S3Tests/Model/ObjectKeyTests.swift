import Testing

@testable import S3

@Suite("Object keys")
struct ObjectKeyTests {
  @Test("Keys that text finds equal are two keys")
  func bytes() {
    #expect(ObjectKey("é") != ObjectKey("e\u{301}"))
    #expect(Set([ObjectKey("é"), ObjectKey("e\u{301}")]).count == 2)
  }

  @Test(
    "XML carries text with tab and line feed there and back, and no other control character",
    arguments: [
      ("plain", true), ("a\tb\nc", true), ("c\rd", false), ("🚀é", true), ("a\u{1}b", false),
      ("\u{1B}[0m", false), ("a\u{0}", false), ("\u{FFFE}", false), ("\u{7F}", true),
    ])
  func fitsXML(_ key: String, fits: Bool) {
    #expect(ObjectKey(key).fitsXML == fits)
  }

  @Test("A key that is not UTF-8 does not fit XML")
  func invalid() {
    #expect(!ObjectKey(bytes: [0x61, 0xFF]).fitsXML)
  }
}
