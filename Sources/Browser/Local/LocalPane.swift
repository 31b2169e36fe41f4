import S3
import Storage
import SystemPackage
import TextUI

/// A folder of this machine as a list: moving, marking, sorting, filtering.
struct LocalPane: Sendable {
  private(set) var folder: FilePath
  private(set) var listing: LocalListing?
  private(set) var problem: StorageError?
  private var request: RequestID?
  /// Of any folder: marks stay as one walks around.
  private(set) var marks: Set<FilePath> = []
  private(set) var shown: [LocalEntry] = []
  private(set) var filter = ""
  private var sortKey = SortKey.name
  private var isDescending = false
  private var showsHidden = false
  private var rangeStart: Int?
  private(set) var viewport = ListViewport()
  /// The folder one came up from, to be selected.
  private var leaving: [UInt8]?

  init(_ folder: FilePath) {
    self.folder = folder
  }

  var isLoading: Bool { request != nil }
  var hasParentRow: Bool { folder.bytes.count > 1 }
  private var parentRows: Int { hasParentRow ? 1 : 0 }

  func entry(at position: Int) -> LocalEntry? {
    let index = position - parentRows
    return shown.indices.contains(index) ? shown[index] : nil
  }

  var selected: LocalEntry? { entry(at: viewport.selection) }

  func path(_ entry: LocalEntry) -> FilePath {
    let separator: [UInt8] = folder.bytes.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
    return FilePath(bytes: folder.bytes + separator + entry.name)
  }

  private func isInRange(_ position: Int) -> Bool {
    guard let rangeStart else { return false }
    return (min(rangeStart, viewport.selection)...max(rangeStart, viewport.selection))
      .contains(position)
  }

  func isMarked(at position: Int) -> Bool {
    guard let entry = entry(at: position) else { return false }
    return marks.contains(path(entry)) || isInRange(position)
  }

  /// What is marked, else what is selected; folders and regular files only.
  var chosen: [FilePath] {
    var pane = self
    pane.endRange()
    if !pane.marks.isEmpty {
      return pane.marks.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }
    return selected.flatMap { $0.kind == .other ? nil : [path($0)] } ?? []
  }

  mutating func setHeight(_ height: Int) { viewport.setHeight(height) }

  mutating func load(_ turn: inout Turn) {
    turn.cancel(request)
    let folder = folder
    request = turn.request { .listFolder(folder, $0) }
  }

  mutating func stop(_ turn: inout Turn) {
    turn.cancel(request)
    request = nil
  }

  /// - Returns: `false` when it asked for no such thing.
  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) -> Bool {
    guard id == request else { return false }
    request = nil
    switch answer {
    case .folder(let read):
      listing = read
      folder = read.folder
      problem = nil
      show(selecting: leaving ?? selected?.name)
      leaving = nil
    case .failed(let error):
      problem = error
      listing = nil
      show(selecting: nil)
      turn.fail(error)
    default: break
    }
    return true
  }

  /// `false` when the command is not about the list.
  mutating func perform(_ command: Command, _ turn: inout Turn) -> Bool {
    if viewport.perform(command) { return true }
    switch command {
    case .open: open(&turn)
    case .goUp: goUp(&turn)
    case .refresh: load(&turn)
    case .mark:
      endRange()
      if let selected, selected.kind != .other { toggle(path(selected)) }
      viewport.move(by: 1)
    case .markRange:
      if rangeStart == nil { rangeStart = viewport.selection } else { endRange() }
    case .invertMarks:
      endRange()
      for entry in shown where entry.kind != .other { toggle(path(entry)) }
    case .sortByName: sort(by: .name)
    case .sortBySize: sort(by: .size)
    case .sortByDate: sort(by: .date)
    case .showHidden:
      showsHidden.toggle()
      show(selecting: selected?.name)
    default: return false
    }
    return true
  }

  /// Peels the range, the filter, the marks. `false` when none is left.
  mutating func peel(_ turn: inout Turn) -> Bool {
    if rangeStart != nil {
      endRange()
    } else if request != nil {
      stop(&turn)
    } else if !filter.isEmpty {
      setFilter("")
    } else if !marks.isEmpty {
      marks = []
    } else {
      return false
    }
    return true
  }

  private mutating func open(_ turn: inout Turn) {
    guard let selected else { return goUp(&turn) }
    guard selected.kind == .folder else {
      return turn.say("u uploads it; Space marks several")
    }
    enter(path(selected), leaving: nil, &turn)
  }

  private mutating func goUp(_ turn: inout Turn) {
    guard hasParentRow else { return turn.say("This is the topmost folder") }
    enter(folder.removingLastComponent(), leaving: folder.lastComponent?.bytes, &turn)
  }

  private mutating func enter(_ folder: FilePath, leaving: [UInt8]?, _ turn: inout Turn) {
    endRange()
    self.folder = folder
    self.leaving = leaving
    listing = nil
    filter = ""
    show(selecting: nil)
    load(&turn)
  }

  private mutating func toggle(_ path: FilePath) {
    if marks.remove(path) == nil { marks.insert(path) }
  }

  private mutating func endRange() {
    if rangeStart != nil {
      for position in 0..<viewport.count where isInRange(position) {
        if let entry = entry(at: position), entry.kind != .other { marks.insert(path(entry)) }
      }
    }
    rangeStart = nil
  }

  mutating func setFilter(_ text: String) {
    endRange()
    filter = text
    show(selecting: selected?.name)
  }

  private mutating func sort(by key: SortKey) {
    endRange()
    isDescending = key == sortKey ? !isDescending : false
    sortKey = key
    show(selecting: selected?.name)
  }

  private mutating func show(selecting name: [UInt8]?) {
    let filter = NameFilter(filter)
    shown = (listing?.entries ?? []).filter { entry in
      (showsHidden || !entry.isHidden) && entry.name.withUnsafeBufferPointer(filter.matches)
    }
    // They come with folders first, by name, and the sort keeps that among equals.
    if sortKey != .name || isDescending { shown.sort(by: precedes) }
    viewport.setCount(shown.count + parentRows)
    if let name, let index = shown.firstIndex(where: { $0.name == name }) {
      viewport.select(index + parentRows)
    } else if viewport.selection == 0, !shown.isEmpty {
      viewport.select(parentRows)
    }
  }

  private func precedes(_ left: LocalEntry, _ right: LocalEntry) -> Bool {
    let (first, second) = isDescending ? (right, left) : (left, right)
    guard (left.kind == .folder) == (right.kind == .folder) else { return left.kind == .folder }
    switch sortKey {
    case .size where first.size != second.size: return first.size < second.size
    case .date where first.modified != second.modified: return first.modified < second.modified
    default: return first.name.lexicographicallyPrecedes(second.name)
    }
  }
}

extension FilePath.Component {
  fileprivate var bytes: [UInt8] { FilePath(self).bytes }
}

extension FilePath {
  fileprivate init(_ component: FilePath.Component) { self.init(root: nil, [component]) }
}
