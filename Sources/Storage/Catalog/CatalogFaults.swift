import Synchronization

/// Where tests let every write fail, as on a full disk; what was written can be read.
package final class CatalogFaults: Sendable {
  private let fault = Mutex<CatalogError?>(nil)

  init() {}

  /// Thrown by every writing transaction; nil lets them through.
  package var onWrite: CatalogError? {
    get { fault.withLock { $0 } }
    set { fault.withLock { $0 = newValue } }
  }
}
