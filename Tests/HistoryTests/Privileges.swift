import Foundation
import Glibc

/// Runs `body` as a user whom the permissions of files bind, also when the tests run as root.
///
/// Only the thread changes its user for file accesses, which is what setfsuid is for; so `body`
/// may not await.
func withoutPrivileges<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
  guard geteuid() == 0 else { return try body() }
  let done = DispatchSemaphore(value: 0)
  let box = Box<Result<Value, any Error>?>(nil)
  let thread = Thread {
    // The group first: a user without privileges cannot change it.
    setFileAccess("setfsgid", nobody)
    setFileAccess("setfsuid", nobody)
    box.value = Result { try body() }
    done.signal()
  }
  thread.start()
  done.wait()
  guard let result = box.value else { throw CancellationError() }
  return try result.get()
}

/// Gives a file or folder of the test to the user that ``withoutPrivileges(_:)`` becomes.
func giveToUnprivileged(_ path: String) {
  if geteuid() == 0 { chown(path, nobody, nobody) }
}

private let nobody: UInt32 = 65534

/// Written by one thread before a semaphore is signalled, read by another one after.
private final class Box<Value>: @unchecked Sendable {
  var value: Value
  init(_ value: Value) { self.value = value }
}

/// Calls `setfsuid` or `setfsgid`, which Swift's view of glibc leaves out.
private func setFileAccess(_ name: String, _ id: UInt32) {
  typealias Setter = @convention(c) (UInt32) -> Int32
  guard let symbol = dlsym(nil, name) else { fatalError("glibc has no \(name)") }
  let set = unsafeBitCast(symbol, to: Setter.self)
  _ = set(id)
  // A second call changes nothing and tells what the first one did.
  precondition(set(id) == Int32(bitPattern: id), "\(name) was refused")
}
