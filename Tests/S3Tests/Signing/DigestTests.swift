import Testing

@testable import S3

@Suite("Digests")
struct DigestTests {
  /// Source: RFC 4231, sections 4.2, 4.3 and 4.7: keys shorter and longer than a block.
  @Test(
    "HMAC-SHA-256 is that of the published vectors",
    arguments: [
      (
        [UInt8](repeating: 0x0b, count: 20), "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        [UInt8](repeating: 0xaa, count: 131),
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
    ] as [([UInt8], String, String)])
  func hmac(key: [UInt8], message: String, code: String) {
    #expect(Digest.hex(Digest.hmacSHA256(key: key, message.utf8)) == code)
  }

  @Test("SHA-256 of a message in one piece is libcrypto's, whatever its length")
  func sha256() throws {
    for count in 0...300 {
      let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
      #expect(Digest.sha256(message) == DigestAlgorithm.sha256.digest(of: message))
    }
  }
}
