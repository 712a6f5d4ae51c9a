//! Lists of architectures as Parquet: a text column for each choice (null where it has no effect), a
//! number for each cost. Rows are kept until a row group is full; nothing else is.

use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use nnmeter_filters::space::Sample;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::columns::Columns;
use super::rows::{Rows, Target};

/// Rows in a group.
const GROUP: usize = 1 << 16;

/// A list that is being written.
pub(super) struct Parquet<T: Target + Send> {
    writer: SerializedFileWriter<T>,
    /// By choice and option: its name.
    options: Vec<Vec<ByteArray>>,
    /// By choice: the options of the rows at hand, `None` where it has no effect.
    choices: Vec<Vec<Option<u8>>>,
    /// By cost: those of the rows at hand.
    costs: Vec<Vec<f64>>,
    rows: usize,
}

impl<T: Target + Send> Parquet<T> {
    pub(super) fn begin(columns: &Columns<'_>, out: T) -> anyhow::Result<Self> {
        let costs = columns.costs();
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("nnmeter ", env!("CARGO_PKG_VERSION")).to_owned());
        for name in &costs {
            let path = ColumnPath::from(name.as_str());
            properties = properties.set_column_dictionary_enabled(path, false);
        }
        let schema = schema(columns, &costs).context("Parquet")?;
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties.build()));
        let name = |option: &String| ByteArray::from(Bytes::copy_from_slice(option.as_bytes()));
        let choices = columns.space.choices();
        Ok(Self {
            writer: writer.context("Parquet")?,
            options: choices.iter().map(|c| c.options.iter().map(name).collect()).collect(),
            choices: vec![Vec::with_capacity(GROUP); choices.len()],
            costs: vec![Vec::with_capacity(GROUP); costs.len()],
            rows: 0,
        })
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        let mut group = self.writer.next_row_group()?;
        for (choice, options) in self.choices.iter_mut().zip(&self.options) {
            let levels: Vec<i16> = choice.iter().map(|o| i16::from(o.is_some())).collect();
            let taken = choice.iter().flatten().map(|&option| usize::from(option));
            let names: Vec<ByteArray> = taken.map(|option| options[option].clone()).collect();
            let Some(mut column) = group.next_column()? else { bail!("has too few columns") };
            if let ColumnWriter::ByteArrayColumnWriter(writer) = column.untyped() {
                writer.write_batch(&names, Some(&levels), None)?;
            }
            column.close()?;
            choice.clear();
        }
        for costs in &mut self.costs {
            let Some(mut column) = group.next_column()? else { bail!("has too few columns") };
            if let ColumnWriter::DoubleColumnWriter(writer) = column.untyped() {
                writer.write_batch(costs, None, None)?;
            }
            column.close()?;
            costs.clear();
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl<T: Target + Send> Rows for Parquet<T> {
    fn add(&mut self, columns: &Columns<'_>, sample: &Sample) -> anyhow::Result<()> {
        let options = sample.iter().zip(columns.space.activity());
        for ((&option, activity), choice) in options.zip(&mut self.choices) {
            choice.push(activity.holds(sample).then_some(option));
        }
        for (cost, costs) in columns.costs_of(sample).into_iter().zip(&mut self.costs) {
            costs.push(cost);
        }
        self.rows += 1;
        if self.rows == GROUP { self.write_group().context("Parquet") } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        if self.rows > 0 {
            self.write_group().context("Parquet")?;
        }
        self.writer.into_inner().context("Parquet")?.finish()
    }
}

fn schema(columns: &Columns<'_>, costs: &[String]) -> parquet::errors::Result<TypePtr> {
    let option = |name: &str| {
        let text = Type::primitive_type_builder(name, Physical::BYTE_ARRAY);
        text.with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(LogicalType::String))
            .build()
    };
    let cost = |name: &String| {
        let number = Type::primitive_type_builder(name, Physical::DOUBLE);
        number.with_repetition(Repetition::REQUIRED).build()
    };
    let choices = columns.space.choices().iter().map(|choice| option(&choice.name));
    let fields: Result<Vec<Type>, _> = choices.chain(costs.iter().map(cost)).collect();
    let fields = fields?.into_iter().map(Arc::new).collect();
    Ok(Arc::new(Type::group_type_builder("architectures").with_fields(fields).build()?))
}
