internal import HTTP

extension S3Client {
  /// Reads an answer while it arrives.
  ///
  /// - Parameter handler: makes a new one for each attempt.
  func receive<Handler: PageHandler>(
    _ call: S3Call, by handler: () -> Handler
  ) async throws(S3Error) -> Handler.Page {
    try await send(call) { () -> Reception<Handler.Page> in
      let receiver = XMLReceiver(handler())
      var reception = Reception { (response) throws(S3Error.Cause) in
        let page = try receiver.finish(head: response.head)
        if response.headers["Server"]?.hasPrefix("SeaweedFS") == true {
          memory.listsByFolder = true
        }
        return page
      }
      reception.body = .pieces { receiver.feed($0) }
      reception.refusal = { receiver.problem }
      return reception
    }
  }
}
