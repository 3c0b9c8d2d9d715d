import Glibc
import Synchronization

@testable import Storage

/// A disk that fills up, or a process that dies, at a chosen step.
final class ScriptedDisk: Sendable {
  struct Killed: Error {}

  enum Plan: Sendable, Equatable {
    case healthy
    /// Every write and creation fails with ENOSPC; half of the bytes of a write arrive.
    case full
    /// This many steps still succeed, then the process is dead; a write may tear.
    case dies(after: Int)
    /// One kind of step fails with EIO.
    case fails(FileSystemFaults.Step)
  }

  private let state = Mutex<(plan: Plan, steps: Int)>((.healthy, 0))

  var steps: Int { state.withLock { $0.steps } }

  func plan(_ plan: Plan) {
    state.withLock { $0 = (plan, 0) }
  }

  var faults: FileSystemFaults {
    FileSystemFaults { step, path, count in
      try self.state.withLock { state in
        state.steps += 1
        switch state.plan {
        case .healthy:
          return count
        case .full:
          switch step {
          case .write: return count / 2
          case .create, .makeDirectory, .link, .symlink:
            throw FileError(operation: step.rawValue, path: path, code: ENOSPC)
          case .sync, .rename, .syncDirectory, .unlink: return count
          }
        case .dies(let after):
          if state.steps <= after { return count }
          if state.steps == after + 1, step == .write { return count / 2 }
          throw Killed()
        case .fails(let failing):
          if step == failing { throw FileError(operation: step.rawValue, path: path, code: EIO) }
          return count
        }
      }
    }
  }
}
