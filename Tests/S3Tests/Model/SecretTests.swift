import Testing

@testable import S3

@Suite("Secrets")
struct SecretTests {
  @Test("No description, interpolation, reflection or dump shows a secret")
  func hidden() {
    let credentials = Credentials(
      accessKeyID: "AKID", secretAccessKey: Secret("hush-key"), sessionToken: Secret("hush-token"))
    var dumped = ""
    dump(credentials, to: &dumped)
    let error = S3Error(
      operation: .listBuckets, cause: .credentials(.unusable(source: "x", reason: "y")),
      attempts: 1)
    let shown = [
      "\(credentials)", String(reflecting: credentials), dumped, "\(Secret("hush-x"))",
      "\(StaticCredentials(credentials))", "\(error)",
      "\(Mirror(reflecting: credentials).children)",
    ]
    for text in shown { #expect(!text.contains("hush")) }
    #expect(credentials.secretAccessKey.revealed == "hush-key")
  }
}
