/// Where tests let the disk fill up or the process die: asked before every step that changes a file.
///
/// A fault that throws on every later step too is a `kill -9`: no clean-up code can reach the disk
/// any more, and what is left is what the next start finds.
struct FileSystemFaults: Sendable {
  /// A step that changes what is on disk.
  enum Step: String, Sendable, CaseIterable {
    case create, write, sync, rename, syncDirectory, link, symlink, unlink, makeDirectory
  }

  /// Called before a step with the path and the number of bytes; returns how many may be written.
  let before: @Sendable (Step, String, Int) throws -> Int

  /// No faults.
  static let none = FileSystemFaults { _, _, count in count }
}
