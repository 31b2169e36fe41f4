import Testing
import TextUI

@testable import Terminal

@Suite("Theme")
struct ThemeTests {
  @Test(
    "The environment says how many colours there may be",
    arguments: [
      ([:], .sixteen), (["TERM": "xterm-256color"], .indexed256),
      (["TERM": "xterm", "COLORTERM": "truecolor"], .trueColour),
      (["TERM": "xterm-direct"], .trueColour),
      (["TERM": "xterm-256color", "NO_COLOR": "1"], .mono),
      (["TERM": "xterm-256color", "NO_COLOR": ""], .indexed256),
    ] as [([String: String], ColourDepth)])
  func depth(environment: [String: String], depth: ColourDepth) {
    #expect(ColourDepth.detected(environment: environment) == depth)
  }

  @Test("The theme fits the background, where that is known")
  func preferred() {
    #expect(Theme.preferred(environment: [:]).name == "dark")
    #expect(Theme.preferred(environment: ["COLORFGBG": "15;0"]).name == "dark")
    #expect(Theme.preferred(environment: ["COLORFGBG": "0;default;15"]).name == "light")
    #expect(Theme.preferred(environment: ["NO_COLOR": "x", "COLORFGBG": "0;15"]).name == "mono")
    #expect(Theme.named("light")?.name == "light")
    #expect(Theme.named("neon") == nil)
  }

  @Test("Mono has no colours, and every theme shows the selection in bold")
  func attributes() {
    #expect(StyleRole.allCases.allSatisfy { Theme.mono[$0].colour == nil })
    for theme in [Theme.dark, .light, .mono] {
      #expect(theme[.emphasis].isBold && theme[.input].isUnderlined && theme[.normal] == .init())
    }
  }

  @Test("A colour is given in what the terminal has")
  func numbers() {
    let orange = Theme.Colour(ansi: 11, rgb: 0xFF8700)
    #expect(orange.number(.sixteen, colours: 256) == 11)
    #expect(orange.number(.sixteen, colours: 8) == 3)
    #expect(orange.number(.indexed256, colours: 256) == 208)
    #expect(orange.number(.trueColour, colours: 256) == 208)
    #expect(orange.number(.trueColour, colours: 1 << 24) == 0xFF8700)
    #expect(Theme.Colour(ansi: 8, rgb: 0x767676).number(.indexed256, colours: 256) == 243)
    #expect(Theme.Colour(ansi: 0, rgb: 0).number(.indexed256, colours: 256) == 16)
    #expect(Theme.Colour(ansi: 8).number(.sixteen, colours: 8) == -1)
  }
}
