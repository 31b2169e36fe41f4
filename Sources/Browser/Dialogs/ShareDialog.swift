import HTTP
import S3
import Storage
import TextUI

/// Makes a presigned URL, and shows it unbroken.
struct ShareDialog: Overlay {
  private enum FieldIndex { static let method = 0, expiry = 1, custom = 2, key = 3, fileName = 4 }

  private let bucket: BucketName
  /// What is shared unless another key is typed; kept as bytes, since a key need not be text.
  private let key: ObjectKey
  private var form: Form
  private var request: RequestID?
  private var problem: StorageError?
  private var result: PresignedURL?
  /// How far one has scrolled in the result, which is longer than a small screen.
  private var top = 0
  private var size = Size(columns: 0, rows: 0)

  /// - Parameter key: the selected object, or the prefix under which something is to be put.
  init(bucket: BucketName, key: ObjectKey) {
    self.bucket = bucket
    self.key = key
    let isPrefix = key.isEmpty || key.endsWithSlash
    var fields = [
      Form.choice("For", ["GET: download", "PUT: upload"], chosen: isPrefix ? 1 : 0),
      Form.choice("Expires in", Expiry.choices.map(\.label) + ["custom"], chosen: 1),
      Form.text("Seconds, or 30m, 12h, 3d"), Form.text("Key", key.exactText ?? ""),
      Form.text("Saved as (optional)"),
    ]
    fields[FieldIndex.key].isHidden = key.exactText == nil
    form = Form(fields)
    hideFields()
  }

  var place: KeyPlace {
    if result != nil { return .link }
    return request == nil ? .form : .waiting
  }

  private var method: PresignMethod { form.chosen(FieldIndex.method) == 0 ? .get : .put }

  private var expiry: Duration? {
    let chosen = form.chosen(FieldIndex.expiry)
    guard !Expiry.choices.indices.contains(chosen) else { return Expiry.choices[chosen].duration }
    return Expiry.parse(form.text(FieldIndex.custom))
  }

  private var location: ObjectLocation {
    let typed = form.text(FieldIndex.key)
    return ObjectLocation(bucket: bucket, key: key.exactText == nil ? key : ObjectKey(typed))
  }

  private mutating func hideFields() {
    form.fields[FieldIndex.custom].isHidden =
      form.chosen(FieldIndex.expiry) < Expiry.choices.count
    form.fields[FieldIndex.fileName].isHidden = method == .put
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    guard result == nil, request == nil, form.typed(press) else { return false }
    problem = nil
    return true
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool {
    result == nil && request == nil && form.pasted(text)
  }

  mutating func resized(_ size: Size) { self.size = size }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if let result {
      let view = PresignedURLView(url: result, location: location, clock: turn.facts.clock)
      if scroll(command, to: view.hiddenRows(on: size)) { return }
    } else if form.perform(command) {
      return hideFields()
    }
    switch command {
    case .accept: make(&turn)
    case .copyLink:
      if let result { turn.perform(.copy(result.url, what: "The URL")) }
    case .copyCurl:
      if let result {
        turn.perform(.copy(CurlCommand(result, key: location.key).text, what: "The curl command"))
      }
    case .close:
      turn.cancel(request)
      turn.close()
    default: break
    }
  }

  private mutating func scroll(_ command: Command, to last: Int) -> Bool {
    let page = max(Panel.room(on: size).rows - 2, 1)
    switch command {
    case .moveUp: top -= 1
    case .moveDown: top += 1
    case .pageUp: top -= page
    case .pageDown: top += page
    case .moveFirst: top = 0
    case .moveLast: top = last
    default: return false
    }
    top = max(0, min(top, last))
    return true
  }

  private func problemBeforeSending() -> String? {
    guard expiry != nil else { return "An expiry is 1 second to 7 days, such as 90, 30m, 12h, 3d" }
    if location.key.isEmpty { return "A URL is for one object: type its key" }
    return nil
  }

  private mutating func make(_ turn: inout Turn) {
    guard let expiry, problemBeforeSending() == nil else {
      return turn.say(problemBeforeSending() ?? "")
    }
    let (method, location) = (method, location)
    let name = form.text(FieldIndex.fileName)
    let fileName = method == .get && !name.isEmpty ? name : nil
    request = turn.request {
      .presign(method, location, expires: expiry, fileName: fileName, $0)
    }
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard id == request else { return }
    request = nil
    switch answer {
    case .presigned(let url): result = url
    case .failed(let error):
      problem = error
      turn.fail(error)
    default: break
    }
  }

  // MARK: - View

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    if let result {
      PresignedURLView(url: result, location: location, clock: facts.clock).draw(
        from: top, on: &frame)
    } else {
      drawForm(on: &frame, retries)
    }
  }

  private func drawForm(on frame: inout Frame, _ retries: RequestRetries) {
    let notes: [Line]
    if request != nil {
      notes = [retries.line("Signing…", request, .secondary)]
    } else if let problem {
      notes = problem.lines
    } else if let text = problemBeforeSending() {
      notes = [Line(text, .warning)]
    } else {
      notes = [Line("Whoever has the URL can use it until it expires.", .secondary)]
    }
    Panel.draw(
      "Share",
      body: [
        Line("Bucket \(bucket.text)"),
        key.exactText == nil ? Line("Key " + VisibleText(bytes: key.bytes)) : .blank,
      ], form: form, notes: [.blank] + notes, on: &frame, columns: 72)
  }
}

/// How long a presigned URL is good for.
enum Expiry {
  static let choices: [(label: String, duration: Duration)] = [
    ("15 m", .seconds(900)), ("1 h", .seconds(3_600)), ("24 h", .seconds(86_400)),
    ("7 d", .seconds(604_800)),
  ]

  /// Seconds, or a number with s, m, h or d. nil outside 1 second through 7 days.
  ///
  /// Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
  static func parse(_ text: String) -> Duration? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    let trimmed = text.filter { !$0.isWhitespace }
    let unit = trimmed.last.flatMap { units[$0] }
    guard let number = Int64(unit == nil ? trimmed[...] : trimmed.dropLast()),
      (1...604_800).contains(number), (1...604_800).contains(number * (unit ?? 1))
    else { return nil }
    return .seconds(number * (unit ?? 1))
  }
}

/// A presigned URL as a command for the shell.
struct CurlCommand {
  let text: String

  init(_ url: PresignedURL, key: ObjectKey) {
    let headers = url.requiredHeaders.map { " -H \(Self.quoted("\($0.name): \($0.value)"))" }
      .joined()
    let name = String(decoding: key.lastSegment, as: UTF8.self)
    switch url.method {
    case .get: text = "curl -f -o \(Self.quoted(name))\(headers) \(Self.quoted(url.url))"
    case .put: text = "curl -f -T \(Self.quoted(name))\(headers) \(Self.quoted(url.url))"
    }
  }

  /// In single quotes, within which a POSIX shell reads every character as itself.
  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "'\\''") + "'"
  }
}
