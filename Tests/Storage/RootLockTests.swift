import Glibc
import TestSupport
import Testing

@testable import Storage

@Test func secondDaemonIsToldWhoHoldsTheRoot() throws {
  let directory = try TemporaryDirectory()
  let path = directory.path + "/run/larder.lock"
  let first = try RootLock(path: path)
  let refusal = RootLock.LockError.held(path: path, pid: getpid())
  #expect(throws: refusal) { _ = try RootLock(path: path) }
  #expect("\(refusal)".contains("pid \(getpid())"))
  withExtendedLifetime(first) {}
}

@Test func lockIsFreeAfterItsHolder() throws {
  let directory = try TemporaryDirectory()
  let path = directory.path + "/larder.lock"
  do { _ = try RootLock(path: path) }
  // What a killed daemon left in the file does not matter.
  try directory.write(Array("999999\nmore".utf8), to: "larder.lock")
  _ = try RootLock(path: path)
  #expect(try directory.read("larder.lock") == Array("\(getpid())\n".utf8))
}

@Test func aCopyOfTheDescriptorInAChildKeepsNothingLocked() throws {
  let directory = try TemporaryDirectory()
  let path = directory.path + "/larder.lock"
  var copy: Int32 = -1
  do {
    let lock = try RootLock(path: path)
    copy = dup(lock.file.descriptor)
  }
  defer { close(copy) }
  #expect(copy >= 0)
  _ = try RootLock(path: path)
}

@Test func unusableLockFileIsNamed() throws {
  let directory = try TemporaryDirectory()
  try directory.write([], to: "file")
  #expect(throws: RootLock.LockError.self) {
    _ = try RootLock(path: directory.path + "/file/larder.lock")
  }
}
