/// What the AWS CLI keeps of a role that it has assumed, in a file of `~/.aws/cli/cache`.
///
/// Read and written for roles with a second factor alone, since a person would be asked for a code
/// by every command otherwise, and a code is good only once. The file's name is the SHA-1 of the
/// request's parameters as JSON.
///
/// Source: AWS CLI User Guide, "Using an IAM role in the AWS CLI", where the cache and its place
/// are described; its form is checked against the AWS CLI itself by a test.
struct RoleCache: Sendable {
  private let path: String
  private let arn: String
  /// Less is of no use to a command.
  private static let margin = Duration.seconds(60)

  /// nil where the system has no SHA-1.
  init?(folder: String, role: AssumedRole) {
    var parameters: [String: JSONValue] = ["RoleArn": .string(role.arn)]
    if let id = role.externalID { parameters["ExternalId"] = .string(id.revealed) }
    if let serial = role.mfaSerial { parameters["SerialNumber"] = .string(serial) }
    if let name = role.sessionName { parameters["RoleSessionName"] = .string(name) }
    if let seconds = role.durationSeconds {
      parameters["DurationSeconds"] = .number(String(seconds))
    }
    guard let digest = Digest.sha1(JSONValue.object(parameters).bytes) else { return nil }
    path = "\(folder)/cli/cache/\(Digest.hex(digest)).json"
    arn = role.arn
  }

  func credentials(now: Timestamp) -> Credentials? {
    guard let bytes = PrivateFile.read(path),
      let document = JSONValue(parsing: bytes)?["Credentials"],
      let kept = try? Credentials(document, tokenName: "SessionToken", source: arn),
      let end = kept.expires, end > now.advanced(by: Self.margin)
    else { return nil }
    return kept
  }

  func keep(_ credentials: Credentials) {
    guard let token = credentials.sessionToken, let end = credentials.expires else { return }
    let document = JSONValue.object([
      "ProviderType": .string("assume-role"),
      "Credentials": .object([
        "AccessKeyId": .string(credentials.accessKeyID),
        "SecretAccessKey": .string(credentials.secretAccessKey.revealed),
        "SessionToken": .string(token.revealed), "Expiration": .string(end.iso8601),
      ]),
    ])
    _ = PrivateFile.write(document.bytes, to: path)
  }
}
