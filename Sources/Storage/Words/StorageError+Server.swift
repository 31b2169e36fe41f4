import HTTP
public import S3

/// What a server answered, or did not.
extension StorageError {
  init(_ error: S3Error, while undertaking: Undertaking) {
    var words: Words
    switch error.cause {
    case .service(let service): words = Words(service, while: undertaking)
    case .transport(let problem): words = Words(problem, while: undertaking)
    case .credentials(let problem): words = Words(problem)
    case .malformedAnswer(let reason):
      words = Words(
        .malformedAnswer, "The answer about \(undertaking.subject) is not one of S3: \(reason)",
        "Check that the endpoint is an S3 server, and that no proxy stands in between.")
    case .invalidRequest(let reason):
      words = Words(.invalidRequest, "\(undertaking.subject) \(undertaking.failure): \(reason)")
    case .checksumMismatch(let sent, let stored):
      words = Words(
        .service,
        "\(undertaking.subject) arrived damaged: sent \(sent), stored \(stored)",
        Words.damageRecovery)
    }
    if words.kind == .service, error.isTransient { words.kind = .busy }
    words.capitalize()
    var facts = [words.message]
    if let recovery = words.recovery { facts.append(recovery) }
    facts.append("")
    facts.append("Operation: \(error.operation.name)")
    var code: String?
    var requestID: String?
    if case .service(let service) = error.cause {
      code = service.code.rawValue
      requestID = service.requestID
      facts.append("S3 code: \(service.code)")
      facts.append("HTTP status: \(service.status)")
      if !service.message.isEmpty { facts.append("Message: \(service.message)") }
      if let id = service.requestID { facts.append("Request ID: \(id)") }
      if let id = service.hostID { facts.append("Host ID: \(id)") }
    }
    facts.append("Attempts: \(error.attempts)")
    self.init(
      kind: words.kind, message: words.message, recovery: words.recovery, code: code,
      requestID: requestID, detail: facts.joined(separator: "\n"))
    if case .transport(.file(let errno)) = error.cause, case .download(_, let path) = undertaking {
      localFile = LocalFileError(path, .system(errno))
    }
  }

  /// The same error, where the server was told whose the bucket has to be: it says of one of another
  /// owner what it says of one that may not be touched.
  func expecting(owner: AccountID?) -> StorageError {
    guard let owner, kind == .accessDenied else { return self }
    var error = self
    let hint = "The answer is the same where the bucket does not belong to account \(owner.text)."
    error.recovery = [hint, recovery].compactMap(\.self).joined(separator: " ")
    error.detail += "\n\n\(hint)"
    return error
  }

  /// There are no credentials to work with.
  public init(_ error: CredentialError) {
    var words = Words(error)
    words.capitalize()
    self.init(kind: words.kind, message: words.message, recovery: words.recovery)
  }
}
