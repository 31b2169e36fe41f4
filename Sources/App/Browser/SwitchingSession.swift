import Browser
import S3
import Storage

extension CommandContext {
  /// A session with the settings that a person has chosen in the browser, read anew.
  ///
  /// Keys are fetched before it is handed over, so that a wrong code or profile leaves everything
  /// as it was.
  func session(
    for choice: SessionChoice, _ flags: SettingsFlags
  ) async -> Result<Session, StorageError> {
    var flags = flags
    func given(_ text: String) -> String? { text.isEmpty ? nil : text }
    flags.profile = given(choice.profile)
    flags.endpointURL = given(choice.endpointURL)
    flags.region = given(choice.region)
    flags.user = given(choice.user)
    do {
      let settings = try SettingsLoader.load(flags)
      if let question = settings.endpointQuestion, settings.problems.isEmpty {
        return .failure(
          StorageError(
            kind: .credentials,
            message: "The keys come from \(question.keysOrigin), the server \(question.endpoint) "
              + "from \(question.endpointOrigin)",
            recovery: "Write the server into the field Endpoint to say that this is meant."))
      }
      let code = choice.code
      let session = try await open(settings) { _, _ in code.isEmpty ? nil : Secret(code) }
      if settings.credentials?.asksForCode == true { try await session.checkCredentials() }
      return .success(session)
    } catch let problem as SetupProblem {
      return .failure(
        StorageError(
          kind: .credentials, message: problem.message,
          recovery: problem.recovery.split(separator: "\n").first.map(String.init)))
    } catch let error as StorageError {
      return .failure(error)
    } catch let error as CredentialError {
      return .failure(StorageError(error))
    } catch {
      return .failure(StorageError(kind: .credentials, message: "\(error)"))
    }
  }
}
