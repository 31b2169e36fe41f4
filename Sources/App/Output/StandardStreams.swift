import Glibc

/// Standard input, output and error of this process.
enum StandardStreams {
  /// Puts `/dev/null` in the place of those that are a terminal, one that was lost included: what
  /// goes on afterwards can neither be read from nor fail for it. Files and pipes stay.
  static func releaseTerminal() {
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard null >= 0 else { return }
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where isTerminal(descriptor) {
      dup2(null, descriptor)
    }
    if null > STDERR_FILENO { close(null) }
  }

  /// A terminal that has hung up answers nothing but EIO.
  private static func isTerminal(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1 || errno == EIO
  }
}
