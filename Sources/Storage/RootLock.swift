import Glibc

/// The lock that keeps two daemons off one root; held until it is released or the process ends.
public final class RootLock: Sendable {
  /// Why the lock was not taken.
  public enum LockError: Error, Equatable, CustomStringConvertible {
    /// Another process holds it; its id is 0 if it could not be read.
    case held(path: String, pid: Int32)
    /// The lock file could not be opened.
    case unusable(FileError)

    /// A sentence for the user that names the process.
    public var description: String {
      switch self {
      case .held(let path, let pid) where pid > 0:
        "another larder daemon (pid \(pid)) already runs on this root (it holds \(path))"
      case .held(let path, _):
        "another larder daemon already runs on this root (it holds \(path))"
      case .unusable(let error): "\(error)"
      }
    }
  }

  /// Open while the lock is held.
  let file: OpenFile

  /// Takes the lock and writes this process's id into it.
  ///
  /// The file stays behind when the lock goes: removing it would let two processes lock two files.
  public init(path: String) throws(LockError) {
    let opened: OpenFile
    do {
      try FileSystem().makeDirectory(FileSystem.parent(of: path))
      opened = try OpenFile(path: path, flags: O_RDWR | O_CREAT, mode: 0o644)
    } catch let error as FileError {
      throw .unusable(error)
    } catch {
      throw .unusable(FileError(operation: "open", path: path, code: EIO))
    }
    guard flock(opened.descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .held(path: path, pid: Self.owner(of: opened))
    }
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(opened.descriptor, 0)
    do {
      try text.withUnsafeBytes { try opened.write($0, at: 0) }
    } catch let error as FileError {
      throw .unusable(error)
    } catch {
      throw .unusable(FileError(operation: "write", path: path, code: EIO))
    }
    file = opened
  }

  /// Lets go at once: a child of this process that has not yet become its program holds a copy of
  /// the descriptor, and closing ours alone would leave the lock with it.
  deinit {
    flock(file.descriptor, LOCK_UN)
  }

  private static func owner(of file: OpenFile) -> Int32 {
    guard let bytes = try? file.read(count: 16, at: 0) else { return 0 }
    let text = String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
    return Int32(text) ?? 0
  }
}
