//! Reading folders and archives.
