internal import Foundation
internal import Glibc
internal import Synchronization
public import SystemPackage

/// Runs `body` as a user whom the permissions of files bind, also when the tests run as root.
///
/// Only a thread of its own changes its user, and for file accesses alone, which is what setfsuid
/// is for: `body` may not await.
public func withoutPrivileges<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
  guard geteuid() == 0 else { return try body() }
  let answer = Answer<Value>()
  let thread = Thread {
    // The group first: a user without privileges cannot change it.
    setFileAccess("setfsgid", nobody)
    setFileAccess("setfsuid", nobody)
    answer.give(Result { try body() })
  }
  thread.start()
  return try answer.wait().get()
}

/// Gives a file or folder of the test to the user that ``withoutPrivileges(_:)`` becomes.
public func giveToUnprivileged(_ path: FilePath) {
  if geteuid() == 0 { chown(path.string, nobody, nobody) }
}

private let nobody: UInt32 = 65534

/// Calls `setfsuid` or `setfsgid`, which Swift's view of glibc leaves out.
private func setFileAccess(_ name: String, _ id: UInt32) {
  typealias Setter = @convention(c) (UInt32) -> Int32
  guard let symbol = dlsym(nil, name) else { fatalError("glibc has no \(name)") }
  let set = unsafeBitCast(symbol, to: Setter.self)
  _ = set(id)
  // A second call changes nothing and tells what the first one did.
  precondition(set(id) == Int32(bitPattern: id), "\(name) was refused")
}

/// One result, given by one thread and awaited by another.
private final class Answer<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let isGiven = DispatchSemaphore(value: 0)

  func give(_ result: Result<Value, any Error>) {
    self.result.withLock { $0 = result }
    isGiven.signal()
  }

  func wait() throws -> Result<Value, any Error> {
    isGiven.wait()
    guard let result = result.withLock({ $0 }) else { throw CancellationError() }
    return result
  }
}
