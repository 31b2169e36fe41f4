internal import CCurl

/// Has glibc keep little memory for the program that it does not use, and take it in few calls.
///
/// To be called before there are threads: each sets up a heap as was said by then.
public func keepHeapsSmall() { pail_keep_heaps_small() }
