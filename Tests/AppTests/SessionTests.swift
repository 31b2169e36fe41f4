import S3
import Storage
import Testing

@testable import App

@Suite("Session")
struct SessionTests {
  @Test("Without a home folder a session opens, and refuses changes before anything is sent")
  func noHome() async throws {
    let settings = SettingsResolver(
      layers: [
        SettingsLayer(
          source: .environment,
          values: [
            .accessKeyID: "ID", .secretAccessKey: "SECRET",
            // Nobody answers at the port that is for nothing but discarding (RFC 863).
            .endpointURLForS3: "http://127.0.0.1:9",
          ])
      ],
      environment: ["AWS_EC2_METADATA_DISABLED": "true"]
    ).resolve()
    #expect(settings.historyPath == nil)
    let session = try await Session.open(settings)
    await #expect {
      try await session.service.createBucket(BucketName("reports"))
    } throws: { error in
      let error = error as? StorageError
      return error?.kind == .history && error?.recovery?.contains("--history") == true
    }
  }
}
