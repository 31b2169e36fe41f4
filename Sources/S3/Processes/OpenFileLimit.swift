internal import CFiles
internal import Glibc
internal import Synchronization

/// How many files this process may have open at once: `RLIMIT_NOFILE` of getrlimit(2).
public enum OpenFileLimit {
  /// More than all that ever runs at once needs. Some libraries go through every number there is.
  private static let mostRaised: rlim_t = 65_536
  /// As many as thousands of small files in transfer come to.
  private static let mostUsual = 1024

  private static let former = Mutex<Int?>(nil)

  /// The limit for the programs that this one starts, which may call select(2); nil for its own.
  public static var ofOthers: Int? {
    get { former.withLock { $0 } }
    set { former.withLock { $0 = newValue } }
  }

  /// Takes as many as the system lets this process have. To be called before there are threads.
  ///
  /// The usual limit is as low as 1024 for the sake of programs that call select(2).
  public static func raise() {
    defer { makeRoom() }
    guard var limit else { return }
    let found = limit.rlim_cur
    limit.rlim_cur = min(limit.rlim_max, mostRaised)
    guard found < limit.rlim_cur, setrlimit(resource, &limit) == 0 else { return }
    ofOthers = Int(clamping: found)
  }

  /// Has the kernel make room for as many at once.
  ///
  /// It begins with 64 and doubles. Where a process has threads, each doubling waits until all
  /// processors have let go of the old table, some 20 ms, and so does every thread that opens a file or a
  /// connection meanwhile: `expand_fdtable` in Linux' fs/file.c.
  private static func makeRoom() {
    let last = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, CInt(min(current, mostUsual) - 1))
    if last >= 0 { close(last) }
  }

  public static var current: Int { limit.map { Int(clamping: $0.rlim_cur) } ?? 1024 }

  /// Gives a program that has just been started the limit that is meant for it.
  ///
  /// posix_spawn(3) has no word for it, and a lower limit here, however short, would have other
  /// threads fail. So soon the program has opened nothing to speak of.
  static func restore(in process: pid_t) {
    guard var limit, let ofOthers else { return }
    limit.rlim_cur = rlim_t(ofOthers)
    _ = prlimit(process, RLIMIT_NOFILE.rawValue, &limit, nil)
  }

  private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

  private static var limit: rlimit? {
    var limit = rlimit()
    return getrlimit(resource, &limit) == 0 ? limit : nil
  }
}
