import Glibc
import SystemPackage

/// Standard input, output and error of this process.
enum StandardStreams {
  /// Fills the places of those that whoever started the program has closed, with what can neither be
  /// read nor written: the next file or connection would else have the number, and get the results.
  static func fillGaps() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) == -1 {
      // It gets the lowest number that is free.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// Writes what was asked for and ends the program. A reader who has gone away is no failure.
  static func end(saying text: String) -> Never {
    do {
      try FileDescriptor.standardOutput.writeAll(Array(text.utf8))
    } catch Errno.brokenPipe {
      // Nobody wants to know.
    } catch {
      Console(isQuiet: false).message("pail: this cannot be written: \(error)")
      exit(CommandRunner.Status.failed)
    }
    exit(CommandRunner.Status.done)
  }

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
