import S3
import TextUI

/// The bookmarks of this profile at this endpoint, to be opened or removed.
struct BookmarksDialog: Overlay {
  let place = KeyPlace.bookmarks
  /// nil until they have been read.
  private var bookmarks: [Place]?
  private var request: RequestID?
  private var viewport = ListViewport()
  private static let mostRows = 12

  private var selected: Place? { viewport.selected.flatMap { bookmarks?[$0] } }

  mutating func opened(_ turn: inout Turn) { request = turn.request { .readBookmarks($0) } }

  mutating func resized(_ size: Size) {
    // Without border, foot and the line before it.
    viewport.setHeight(max(min(Panel.room(on: size).rows - 4, Self.mostRows), 1))
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard id == request, case .bookmarks(let places) = answer else { return }
    request = nil
    show(places)
  }

  private mutating func show(_ places: [Place]) {
    bookmarks = places
    viewport.setCount(places.count)
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if viewport.perform(command) { return }
    switch command {
    case .open:
      guard let selected else { return }
      turn.go(to: selected)
      turn.close()
    case .removeBookmark:
      guard let selected else { return }
      turn.perform(.removeBookmark(selected))
      show((bookmarks ?? []).filter { $0 != selected })
    case .close: turn.close()
    default: break
    }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    Panel(title: "Bookmarks", body: lines, foot: [.blank, Line(hint, .secondary)])
      .draw(on: &frame)
  }

  private var lines: [Line] {
    guard let bookmarks else { return [Line("Reading…", .secondary)] }
    guard !bookmarks.isEmpty else { return [Line("There are no bookmarks here yet")] }
    return viewport.visible.map { index in
      let isSelected = index == viewport.selection
      let name = VisibleText(bytes: bookmarks[index].uri).elidedInMiddle(to: 60)
      return Line(isSelected ? "▸ " : "  ", .emphasis)
        + Line(name, isSelected ? .emphasis : .normal)
    }
  }

  private var hint: String {
    bookmarks?.isEmpty == true ? "B bookmarks where you are" : "Enter opens, D removes"
  }
}
