import Testing

@testable import S3

@Suite("Timestamp")
struct TimestampTests {
  @Test(
    "Both forms of a date are read and written",
    arguments: [
      ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", 0),
      ("2000-02-29T23:59:59Z", "Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
      ("2026-11-20T14:02:07Z", "Fri, 20 Nov 2026 14:02:07 GMT", 1_795_183_327),
      ("2100-03-01T00:00:00Z", "Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
      ("1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT", -1),
    ] as [(String, String, Int64)])
  func forms(iso: String, http: String, seconds: Int64) {
    #expect(Timestamp(iso8601: iso) == Timestamp(seconds: seconds))
    #expect(Timestamp(httpDate: http) == Timestamp(seconds: seconds))
    #expect(Timestamp(seconds: seconds).iso8601 == iso)
  }

  @Test("Fractions and offsets are understood")
  func fractions() {
    let moment = Timestamp(seconds: 1_795_183_327, nanoseconds: 123_000_000)
    #expect(Timestamp(iso8601: "2026-11-20T14:02:07.123Z") == moment)
    #expect(Timestamp(iso8601: "2026-11-20T15:02:07.123+01:00") == moment)
    #expect(Timestamp(iso8601: "2026-11-20T09:32:07.123-04:30") == moment)
    #expect(moment.iso8601 == "2026-11-20T14:02:07.123Z")
    #expect(moment.basicISO8601 == "20261120T140207Z")
  }

  @Test(
    "Anything else is no date",
    arguments: [
      "", "2026", "2026-11-20", "2026-13-01T00:00:00Z", "2026-11-20T24:00:00Z",
      "2026-11-20T14:02:07", "2026-11-20T14:02:07Zx", "20x6-11-20T14:02:07Z",
      "2026-11-31T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
      "2026-04-31T00:00:00Z",
    ])
  func refuse(_ text: String) {
    #expect(Timestamp(iso8601: text) == nil)
  }

  @Test("The last day of February is one")
  func leapDays() {
    #expect(Timestamp(iso8601: "2028-02-29T00:00:00Z")?.iso8601.hasPrefix("2028-02-29") == true)
    #expect(Timestamp(iso8601: "2000-02-29T00:00:00Z")?.iso8601.hasPrefix("2000-02-29") == true)
  }

  @Test("Days all over eight centuries survive the way there and back")
  func days() {
    let day = Int64(86_400)
    for number in stride(from: Int64(-146_097), through: 146_097, by: 11) {
      let moment = Timestamp(seconds: number * day + 12_345)
      #expect(Timestamp(iso8601: moment.iso8601) == moment)
    }
  }

  @Test("Many moments one after the other are written as each by itself")
  func writer() {
    var writer = ISO8601Writer()
    let hours = (-60..<60).map { Int64($0) * 3_601 }
    for seconds in hours + hours.reversed() {
      for nanoseconds: Int32 in [0, 7_000_000, 999_999_999] {
        let moment = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
        var bytes: [UInt8] = [1]
        #expect(writer.append(moment, to: &bytes) == bytes.count - 1)
        #expect(String(decoding: bytes.dropFirst(), as: UTF8.self) == moment.iso8601)
      }
    }
  }

  @Test("Adding a duration and measuring one are each other's inverse")
  func arithmetic() {
    let start = Timestamp(seconds: 10, nanoseconds: 900_000_000)
    let end = start.advanced(by: .milliseconds(250))
    #expect(end == Timestamp(seconds: 11, nanoseconds: 150_000_000))
    #expect(end.since(start) == .milliseconds(250))
    #expect(end.advanced(by: .milliseconds(-250)) == start)
  }
}
