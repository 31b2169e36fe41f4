extension Credentials {
  /// What a `credential_process` prints, or a metadata service answers with.
  ///
  /// Source: AWS SDKs and Tools Reference Guide, "Process credential provider"; Amazon EC2 User
  /// Guide, "Retrieve security credentials from instance metadata".
  ///
  /// - Parameters:
  ///   - tokenName: what the session token is called there.
  ///   - source: what to call the place in an error. Nothing of the document is ever repeated.
  init(
    document bytes: [UInt8], tokenName: String, source: String
  ) throws(CredentialError) {
    guard let document = JSONValue(parsing: bytes), case .object = document else {
      throw .unusable(source: source, reason: "the answer is no JSON object")
    }
    try self.init(document, tokenName: tokenName, source: source)
  }

  init(
    _ document: JSONValue, tokenName: String, source: String
  ) throws(CredentialError) {
    guard let id = document["AccessKeyId"]?.string else {
      throw .unusable(source: source, reason: "the answer has no AccessKeyId")
    }
    guard let secret = document["SecretAccessKey"]?.string else {
      throw .unusable(source: source, reason: "the answer has no SecretAccessKey")
    }
    var expires: Timestamp?
    if let text = document["Expiration"]?.string {
      guard let moment = Timestamp(document: text) else {
        throw .unusable(
          source: source, reason: "Expiration is no time such as 2026-11-20T14:00:00Z")
      }
      expires = moment
    }
    self.init(
      accessKeyID: id, secretAccessKey: Secret(secret),
      sessionToken: document[tokenName]?.string.map { Secret($0) }, expires: expires)
  }
}

extension Timestamp {
  /// Also `2026-11-20T14:00:00UTC`, as the AWS CLI writes it into the files of its cache.
  init?(document text: String) {
    self.init(iso8601: text.hasSuffix("UTC") ? text.dropLast(3) + "Z" : text[...])
  }
}
