import S3
import Testing
import TextUI

@testable import Browser

@Suite("Key table")
struct KeyTableTests {
  let table = KeyTable.standard

  @Test("Every row has keys and words, and every key has a name that reads back")
  func rows() {
    for binding in table.bindings {
      #expect(!binding.keys.isEmpty && !binding.places.isEmpty && !binding.help.isEmpty)
      for keys in binding.keys { #expect(KeySequence(parsing: keys.name) == keys) }
    }
  }

  @Test(
    "No key means two things in one place, and none begins another", arguments: KeyPlace.allCases)
  func unambiguous(place: KeyPlace) {
    let all = table.bindings(in: place).flatMap(\.keys)
    #expect(Set(all).count == all.count)
    for keys in all {
      let beginnings = (1..<max(keys.presses.count, 1)).map {
        KeySequence(Array(keys.presses.prefix($0)))
      }
      #expect(beginnings.allSatisfy { !all.contains($0) })
    }
  }

  @Test(
    "The keys of every place can be asked for, but those of the help and of a notice",
    arguments: KeyPlace.allCases.filter { $0 != .search && $0 != .notice })
  func helpEverywhere(place: KeyPlace) {
    #expect(table.keyName(for: .help, in: place) != nil)
  }

  @Test("[ and O are never bound: on a slow line they are part of an arrow key")
  func neverBound() {
    let pressed = Set(table.bindings.flatMap(\.keys).flatMap(\.presses))
    #expect(!pressed.contains(KeyPress(.character("["))))
    #expect(!pressed.contains(KeyPress(.character("O"))))
  }

  @Test(
    "Every command of a pane does something, or says why not",
    arguments: [KeyPlace.buckets, .objects, .transfers])
  func allDoSomething(place: KeyPlace) throws {
    for binding in table.bindings(in: place) {
      var scene = try Scene.at("p/", .of(["a", "b/", "c"], under: "p/"))
      scene.send(.transfersProgressed([.sample(1), .sample(2)]))
      switch place {
      case .buckets: scene.press("Tab")
      case .transfers: scene.press("t")
      default: break
      }
      // In the middle of things, so that each way is open.
      switch binding.command {
      case .moveUp, .pageUp, .halfPageUp, .moveFirst: scene.press("G")
      case .moveDown, .pageDown, .halfPageDown, .moveLast: scene.press("g")
      case .peel: scene.press(place == .objects ? "Space" : "r")
      case .back: scene.press("h")
      case .forward: scene.press("h <")
      default: break
      }
      _ = scene.takeEffects()
      let before = scene.screen
      for press in try #require(binding.keys.first).presses { scene.send(.keyPressed(press)) }
      #expect(!scene.effects.isEmpty || scene.screen != before, "\(binding.command)")
    }
  }

  @Test("The help lists the keys of the pane, and is searched as one types")
  func help() throws {
    var scene = try Scene.at("", .of(["a"]), columns: 80, rows: 24)
    scene.press("?")
    try expectScreen(scene.screen, "help-80x24")
    scene.type("mark")
    #expect(scene.screen.contains("invert the marks"))
    #expect(!scene.screen.contains("half a page"))
    scene.press("Esc")
    #expect(scene.state.overlays.isEmpty)
  }

  @Test(
    "The command line knows commands and places, and completes what is begun",
    arguments: [
      ("s3://b/p/", CommandLine.Meaning.jump(Place(parsing: "b/p/") ?? Place(bucket: .init("?")))),
      ("q", .command(.quit)), ("suspend", .command(.suspend)), ("wat", .unknown("wat")),
      ("  ", .nothing), ("s3://", .unknown("s3://")),
    ])
  func commandLine(text: String, meaning: CommandLine.Meaning) {
    #expect(CommandLine(text).meaning == meaning)
  }

  @Test("Tab completes commands and the names of buckets")
  func completion() throws {
    var scene = try Scene.withBuckets()
    scene.type(":su")
    scene.press("Tab")
    #expect(scene.bottom.hasPrefix(":suspend"))
    scene.press("Esc")
    scene.type(":s3://as")
    scene.press("Tab Enter")
    #expect(scene.state.objects?.place == Place(parsing: "s3://assets/"))
  }

  @Test("q quits at once unless transfers run; then one says what becomes of them")
  func quitting() throws {
    var scene = try Scene.at("p/", .of(["a"], under: "p/"), columns: 80, rows: 20)
    scene.press("q")
    guard case .quit? = scene.takeEffects().last else {
      Issue.record("it did not quit")
      return
    }
    scene.send(.transfersProgressed([.sample(1)]))
    scene.press("q")
    try expectScreen(scene.screen, "quit")
    scene.press("Enter")
    #expect(scene.takeEffects().isEmpty && scene.state.overlays.isEmpty)
    scene.press("q s")
    guard case .quit? = scene.takeEffects().last else {
      Issue.record("it did not stop them")
      return
    }
    scene.press("q b")
    guard case .quitInBackground? = scene.takeEffects().last else {
      Issue.record("it did not hand them over")
      return
    }
  }

  @Test("Where a logout ends them, the question says how to avoid it")
  func quittingWhereLogoutKills() throws {
    var scene = try Scene(columns: 80, rows: 24, endsAtLogout: true)
    scene.send(.started(at: nil))
    scene.send(.transfersProgressed([.sample(1)]))
    scene.press("q")
    #expect(scene.screen.contains("loginctl enable-linger"))
  }
}
