import Synchronization

/// Sentences of a session for the person who works with it: kept until there is somebody to show
/// them.
final class Notices: Sendable {
  typealias Show = @Sendable (String) -> Void

  private struct State {
    var show: Show?
    var waiting: [String] = []
  }

  private let state = Mutex(State())

  func say(_ sentence: String) {
    let show = state.withLock { state in
      if state.show == nil { state.waiting.append(sentence) }
      return state.show
    }
    show?(sentence)
  }

  /// Has `show` called with what waits and with all that comes, in the place of whoever showed
  /// them before.
  func show(with show: @escaping Show) {
    let waiting = state.withLock { state in
      state.show = show
      defer { state.waiting = [] }
      return state.waiting
    }
    for sentence in waiting { show(sentence) }
  }
}
