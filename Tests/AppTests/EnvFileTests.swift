import Testing

@testable import App

@Suite("Env file")
struct EnvFileTests {
  @Test(
    "A line is one assignment, in any of the usual spellings",
    arguments: [
      ("A=1", "1"),
      ("A= 'value'", "value"),
      ("A = value", "value"),
      ("\t A\t=\tvalue \t", "value"),
      ("export A=value", "value"),
      ("export\tA = 'v'", "v"),
      (#"A="two words""#, "two words"),
      ("A=two words", "two words"),
      ("A='# no comment'", "# no comment"),
      ("A='v'# comment", "v"),
      ("A=\"v\"   # comment", "v"),
      ("A=v # comment", "v"),
      ("A=v#1", "v#1"),
      ("A=#1", "#1"),
      ("A= # comment", ""),
      ("A=", ""),
      ("A=''", ""),
      ("A=$HOME/`x`\\n", "$HOME/`x`\\n"),
      (#"A="\n$B""#, #"\n$B"#),
      (#"A='it"s'"#, #"it"s"#),
      ("A=it's", "it's"),
      ("A=x=y", "x=y"),
      ("A=wJalr+XUtn/FEMI==", "wJalr+XUtn/FEMI=="),
      ("A='ключ'", "ключ"),
    ])
  func assignment(line: String, value: String) {
    let file = EnvFile(parsing: Array(line.utf8))
    #expect(file.values == ["A": value])
    #expect(file.badLines.isEmpty)
  }

  @Test("Comments and empty lines are neither values nor bad")
  func nothing() {
    let file = EnvFile(parsing: Array("\n  # A=1\n\t\n#\n\r\n".utf8))
    #expect(file == EnvFile())
  }

  @Test("A byte order mark and CRLF are taken as they come")
  func windows() {
    let file = EnvFile(parsing: [0xEF, 0xBB, 0xBF] + Array("A='1'\r\nB=2\r\n".utf8))
    #expect(file.values == ["A": "1", "B": "2"])
    #expect(file.badLines.isEmpty)
  }

  @Test("The last of two equal names counts")
  func twice() {
    #expect(EnvFile(parsing: Array("A=1\nA=2".utf8)).values == ["A": "2"])
  }

  @Test(
    "A bad line is left out, named by its number, and the others count",
    arguments: [
      "no assignment", "=x", "1A=x", "A B=x", "A-B=x", "A='open", "A=\"open", "A='v' w", "export",
      "export A",
    ])
  func bad(line: String) {
    let file = EnvFile(parsing: Array("X=1\n\(line)\nY=2\n".utf8))
    #expect(file.values == ["X": "1", "Y": "2"])
    #expect(file.badLines == [2])
  }

  @Test("Bytes that are no text make a line bad", arguments: [[0xFF], [0x41, 0x00], [0xC3]])
  func binary(bytes: [UInt8]) {
    let file = EnvFile(parsing: Array("A=".utf8) + bytes)
    #expect(file.values.isEmpty)
    #expect(file.badLines == [1])
  }

  @Test("What is said about bad lines holds numbers and no content")
  func notice() throws {
    let file = EnvFile(parsing: Array("wJalrXUtnFEMI\nA=1\nAWS_SECRET 'hidden'".utf8))
    let notice = try #require(SettingsLoader.notice(ofBadLines: file.badLines, in: "./.env"))
    #expect(notice == "./.env: lines 1, 3 left out, not of the form NAME=value.")
    #expect(SettingsLoader.notice(ofBadLines: [], in: "./.env") == nil)
  }
}
