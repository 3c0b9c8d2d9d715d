import FoundationEssentials
import Glibc

/// A directory of a test's own, removed with everything in it at the end.
final class Scratch {
  let path: String

  init() throws {
    var template = Array("/tmp/larder-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ScratchError.system(errno) }
    path = String(
      decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  enum ScratchError: Error { case system(Int32) }

  func directory(_ name: String) throws {
    var current = path
    for part in name.split(separator: "/") {
      current += "/" + part
      guard mkdir(current, 0o755) == 0 || errno == EEXIST else { throw ScratchError.system(errno) }
    }
  }

  @discardableResult
  func file(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
    let full = path + "/" + name
    let descriptor = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw ScratchError.system(errno) }
    defer { close(descriptor) }
    var bytes = Array(text.utf8)
    let count = write(descriptor, &bytes, bytes.count)
    guard count == bytes.count else { throw ScratchError.system(errno) }
    return full
  }

  func move(_ from: String, _ to: String) throws {
    guard rename(path + "/" + from, path + "/" + to) == 0 else { throw ScratchError.system(errno) }
  }

  func text(_ name: String) -> String? {
    let descriptor = open(path + "/" + name, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = read(descriptor, &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
  }
}
